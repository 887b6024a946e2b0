// JSON strings exactly as etcd prints them (client-api.md §2.1). JSON.stringify escapes less, so
// answers and snapshots would differ from etcd's. Hot path.

// Anything but the characters that print as themselves. Surrogates need care because only pairs do.
const NEEDS_CARE = /[^ !#-%'-;=?-[\]-\u2027\u202a-\ud7ff\ue000-\uffff]/;

/**
 * Quotes text as a JSON string with Go's escapes.
 *
 * `<`, `>`, `&`, U+2028 and U+2029 are escaped, every stray byte (`bytesToText`) and any other lone
 * surrogate prints as `\ufffd`; all else but `"`, `\` and control characters is printed as itself.
 */
export function quoteJson(text: string): string {
  if (text.length >= LONG_TEXT) return quoteLong(text);
  return NEEDS_CARE.test(text) ? `"${escape(text)}"` : `"${text}"`;
}

/** A text as long as this is looked through by the runtime, which does that many characters at a time. */
const LONG_TEXT = 256;

/** What `JSON.stringify` does not escape, Go prints as itself too, with these exceptions. */
function quoteLong(text: string): string {
  const quoted = JSON.stringify(text);
  const isPlain =
    quoted.length === text.length + 2 &&
    !text.includes("<") &&
    !text.includes(">") &&
    !text.includes("&") &&
    !text.includes("\u2028") &&
    !text.includes("\u2029");
  return isPlain ? quoted : `"${escape(text)}"`;
}

function escape(text: string): string {
  let out = "";
  let plainStart = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) {
      i++;
      continue;
    }
    const replacement = escapeOf(code);
    if (replacement === "") continue;
    out += text.slice(plainStart, i) + replacement;
    plainStart = i + 1;
  }
  return out + text.slice(plainStart);
}

/** The escape of one UTF-16 unit, or "" if it prints as itself. */
function escapeOf(code: number): string {
  switch (code) {
    case 0x22:
      return '\\"';
    case 0x5c:
      return "\\\\";
    case 0x0a:
      return "\\n";
    case 0x0d:
      return "\\r";
    case 0x09:
      return "\\t";
    case 0x3c:
    case 0x3e:
    case 0x26:
    case 0x2028:
    case 0x2029:
      return unicodeEscape(code);
  }
  if (code < 0x20) return unicodeEscape(code);
  return code >= 0xd800 && code <= 0xdfff ? "\\ufffd" : "";
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
