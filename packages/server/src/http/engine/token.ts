// The characters of methods and field names (RFC 9110 §5.6.2). Hot path.

const IS_TOKEN = Array.from({ length: 256 }, (_, code) =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(String.fromCharCode(code)),
);

/** Whether a character or byte may be part of a token; NaN, as behind the end of a text, may not. */
export function isToken(code: number): boolean {
  return IS_TOKEN[code] === true;
}
