// Keys and values on their way into a URL or a form. Both are byte strings: a Uint8Array is taken as it
// is, a string is UTF-8 in which a lone surrogate U+DC80 to U+DCFF stands for the raw byte 0x80 to 0xff.

/** A key's value as callers give it: text, or any bytes. */
export type Value = string | Uint8Array;

/** Names and values of a query or a form, sent in the order of their names. */
export type Parameters = Readonly<Record<string, Value | number | boolean | undefined>>;

const HEX = "0123456789ABCDEF";
const RAW_BYTE_SURROGATE_BASE = 0xdc00;

const UNRESERVED = asciiSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~");
// What may also stand for itself inside a path (RFC 3986 pchar and the separator). "?", "#" and "%" may not.
const PATH_SAFE = asciiSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/$&+,:;=@");

/**
 * The URL path of a key: leading slash, no empty, `.` or `..` component, percent-encoded, slashes kept.
 *
 * The root is the empty string. The server would redirect an unclean path; cleaning it here saves the round trip.
 */
export function keyPath(key: string): string {
  const components: string[] = [];
  for (const component of key.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") components.pop();
    else components.push(component);
  }
  return components.map((component) => `/${encode(component, PATH_SAFE, "%20")}`).join("");
}

/** `name=value&…` by name, as `application/x-www-form-urlencoded`; what is undefined is left out. */
export function encodeParameters(parameters: Parameters): string {
  return Object.keys(parameters)
    .toSorted()
    .flatMap((name) => {
      const value = parameters[name];
      if (value === undefined) return [];
      return [`${name}=${encode(typeof value === "object" ? value : String(value), UNRESERVED, "+")}`];
    })
    .join("&");
}

function encode(value: Value, safe: ReadonlySet<number>, blank: string): string {
  let encoded = "";
  for (const byte of typeof value === "string" ? textBytes(value) : value) {
    if (safe.has(byte)) encoded += String.fromCharCode(byte);
    else if (byte === 0x20) encoded += blank;
    else encoded += `%${HEX.charAt(byte >> 4)}${HEX.charAt(byte & 15)}`;
  }
  return encoded;
}

function textBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const pieces: Buffer[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    const isRawByte =
      codePoint >= RAW_BYTE_SURROGATE_BASE + 0x80 && codePoint <= RAW_BYTE_SURROGATE_BASE + 0xff;
    pieces.push(isRawByte ? Buffer.of(codePoint - RAW_BYTE_SURROGATE_BASE) : Buffer.from(character, "utf8"));
  }
  return Buffer.concat(pieces);
}

function asciiSet(characters: string): ReadonlySet<number> {
  return new Set(Buffer.from(characters, "ascii"));
}
