// Lists of URLs and the initial-cluster string, as etcd reads them (cluster.md §2). The texts of the
// errors are etcd's: operators and clients match on them.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** A URL or a list of them that cannot be used. The message is etcd's text. */
export class UrlError extends Error {
  override readonly name = "UrlError";
}

/**
 * Checks and sorts a list of peer or client URLs. Blanks around an element are dropped.
 *
 * @throws {UrlError}
 */
export function parseUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new UrlError("no valid URLs given");
  return urls.map((url) => checkUrl(url.trim())).toSorted(compareBytewise);
}

function checkUrl(url: string): string {
  const match = /^(https?):\/\/([^/?#]*)([^?#]*)/i.exec(url);
  if (match === null) throw new UrlError(`URL scheme must be http or https: ${url}`);
  const [, , authority = "", path = ""] = match;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (!/^(\[[^\]]*\]|[^:[\]]*):\d*$/.test(host)) {
    throw new UrlError(`URL address does not have the form "host:port": ${url}`);
  }
  if (path !== "") throw new UrlError(`URL must not contain a path: ${url}`);
  return url;
}

/**
 * Reads `name=url,name=url`; a name may repeat, empty items are skipped.
 *
 * @returns the sorted URLs of each name, in the order in which the names first occur.
 * @throws {UrlError}
 */
export function parseInitialCluster(text: string): ReadonlyMap<string, readonly string[]> {
  const listed = new Map<string, string[]>();
  for (const item of text.split(",")) {
    const trimmed = item.trim();
    if (trimmed === "") continue;
    const at = trimmed.indexOf("=");
    const name = at < 0 ? trimmed : trimmed.slice(0, at);
    const url = at < 0 ? "" : trimmed.slice(at + 1);
    const urls = listed.get(name);
    if (urls === undefined) listed.set(name, [url]);
    else urls.push(url);
  }
  return new Map([...listed].map(([name, urls]) => [name, parseUrls(urls)]));
}

/** The string that `parseInitialCluster` reads, as etcd prints it: names in byte order. */
export function formatInitialCluster(cluster: ReadonlyMap<string, readonly string[]>): string {
  return [...cluster]
    .flatMap(([name, urls]) => urls.map((url) => `${name}=${url}`))
    .toSorted(compareBytewise)
    .join(",");
}

/** Whether two lists name the same addresses, host names resolved (cluster.md §2). */
export async function sameUrls(a: readonly string[], b: readonly string[]): Promise<boolean> {
  if (a.length !== b.length) return false;
  const left = a.toSorted(compareBytewise);
  const right = b.toSorted(compareBytewise);
  if (left.every((url, i) => url === right[i])) return true;
  const resolvedLeft = (await Promise.all(left.map(resolveHost))).toSorted(compareBytewise);
  const resolvedRight = (await Promise.all(right.map(resolveHost))).toSorted(compareBytewise);
  return resolvedLeft.every((url, i) => url === resolvedRight[i]);
}

/** The URL with its host name replaced by an address; `localhost` and addresses stay as they are. */
async function resolveHost(url: string): Promise<string> {
  const parsed = new URL(url);
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  if (host === "" || host === "localhost" || isIP(host) !== 0) return url;
  try {
    const { address } = await lookup(host);
    return `${parsed.protocol}//${isIP(address) === 6 ? `[${address}]` : address}:${parsed.port}`;
  } catch {
    return url; // an unresolvable name equals only itself
  }
}

/** Orders texts as Go does, by their UTF-8 bytes. */
export function compareBytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
