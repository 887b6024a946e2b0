// What a peer URL may look like, in the words of the server (client-api.md §11), so that all servers
// give the same answer.

import { KvctlError } from "../errors.ts";

/** @throws {KvctlError} E_ARGUMENT for the first URL that no member could have */
export function checkPeerUrls(urls: readonly string[]): void {
  for (const url of urls) {
    const reason = peerUrlProblem(url);
    if (reason !== null) throw new KvctlError("E_ARGUMENT", `${reason}: ${url}`);
  }
}

function peerUrlProblem(url: string): string | null {
  const match = /^https?:\/\/([^/]*)(.*)$/s.exec(url.trim());
  if (match === null) return "URL scheme must be http or https";
  const [, host = "", path = ""] = match;
  if (!/^(?:\[[^\]]+\]|[^:]*):\d+$/.test(host)) return 'URL address does not have the form "host:port"';
  return path === "" ? null : "URL must not contain a path";
}
