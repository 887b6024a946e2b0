// The Content-Type of a write, judged as Go's parser judges it: only a form's body is read, and a
// header that cannot be parsed is an error of its own (client-api.md §4.2).

/** A media type in lower case, or why the header is none. */
export type MediaType =
  | { readonly type: string; readonly error: null }
  | { readonly type: null; readonly error: string };

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;

/** Parses a Content-Type header; parameters are checked and dropped. */
export function parseMediaType(header: string): MediaType {
  const semicolon = header.indexOf(";");
  const type = (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  const error = typeError(type) ?? parametersError(semicolon < 0 ? "" : header.slice(semicolon));
  return error === null ? { type, error: null } : { type: null, error };
}

function typeError(type: string): string | null {
  const main = TOKEN.exec(type)?.[0] ?? "";
  if (main === "") return "mime: no media type";
  const rest = type.slice(main.length);
  if (rest === "") return null;
  if (!rest.startsWith("/")) return "mime: expected slash after first token";
  const sub = TOKEN.exec(rest.slice(1))?.[0] ?? "";
  if (sub === "") return "mime: expected token after slash";
  return rest.length === sub.length + 1 ? null : "mime: unexpected content after media subtype";
}

/** Checks `; name=value; name="value"`; one semicolon at the end is fine. */
function parametersError(text: string): string | null {
  const names = new Set<string>();
  let rest = text.trim();
  while (rest !== "" && rest !== ";") {
    const name = /^;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*/.exec(rest);
    const value = name === null ? null : parameterValueLength(rest.slice(name[0].length));
    if (name === null || value === null) return "mime: invalid media parameter";
    const lower = (name[1] ?? "").toLowerCase();
    if (names.has(lower)) return "mime: duplicate parameter name";
    names.add(lower);
    rest = rest.slice(name[0].length + value).trim();
  }
  return null;
}

/** The length of a token or quoted string at the start, or null when there is none. */
function parameterValueLength(text: string): number | null {
  const match = text.startsWith('"') ? /^"(?:[^"\\\r\n]|\\[^\r\n])*"/.exec(text) : TOKEN.exec(text);
  return match === null ? null : match[0].length;
}
