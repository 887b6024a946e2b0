// A listen URL taken apart. Which URLs are acceptable at all is decided by @kv/server (cluster.md §2);
// Go's parser is laxer than WHATWG's, so `new URL` would refuse some of them.

/** Where to listen. `host` is "" for all interfaces; IPv6 addresses are without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Takes apart a URL that `parseUrls` has accepted; an absent port is 0. */
export function addressOf(url: string): Address {
  const match = /^https?:\/\/(?:[^/?#]*@)?(?:\[([^\]]*)\]|([^:/?#]*)):(\d*)/i.exec(url);
  if (match === null) throw new TypeError(`not a checked URL: ${url}`);
  return { host: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}
