// Paths with empty components, `.` or `..` are not served but redirected to the path they mean,
// so that nothing climbs out of its resource (client-api.md §4.1). Hot path: the check only.

import { textToBytes } from "@kv/store";
import type { HttpHeaders, HttpRequest, HttpResponse } from "@kv/rafthttp/http";

/** Whether a decoded path starts with a slash and has no empty, `.` or `..` component. */
export function isCleanPath(path: string): boolean {
  if (!path.startsWith("/") || path.includes("//")) return false;
  for (let at = path.indexOf("/."); at >= 0; at = path.indexOf("/.", at + 2)) {
    const dots = path[at + 2] === "." ? 2 : 1;
    const behind = at + 1 + dots;
    if (behind === path.length || path[behind] === "/") return false;
  }
  return true;
}

/** What an unclean path means. A slash at the end stays. */
export function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") kept.pop();
    else kept.push(part);
  }
  const clean = `/${kept.join("/")}`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/** The redirect to the clean path, for every method. */
export function redirectToCleanPath(request: HttpRequest): HttpResponse {
  const query = request.query === "" ? "" : `?${escapeQuery(request.query)}`;
  const location = encodePath(cleanPath(request.path)) + query;
  const target: HttpHeaders = [["Location", location]];
  if (request.method !== "GET" && request.method !== "HEAD")
    return { status: 301, headers: target, body: null };
  return {
    status: 301,
    headers: [["Content-Type", "text/html; charset=utf-8"], ...target],
    body: `<a href="${escapeHtml(location)}">Moved Permanently</a>.\n\n`,
  };
}

const UNRESERVED = new Set(
  Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+,/:;=@"),
);

/** Percent-encodes a decoded path. No byte of the client reaches a header unescaped but harmless ones. */
function encodePath(path: string): string {
  let encoded = "";
  for (const byte of textToBytes(path)) {
    encoded += UNRESERVED.has(byte) ? String.fromCharCode(byte) : escapeByte(byte);
  }
  return encoded;
}

/** The query goes back as it came; bytes beyond ASCII are escaped, they have no place in a header. */
function escapeQuery(raw: string): string {
  return raw.replaceAll(/[^\x21-\x7e]/g, (char) => escapeByte(char.charCodeAt(0)));
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&#34;")
    .replaceAll("'", "&#39;");
}
