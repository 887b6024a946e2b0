// Byte strings carried in JavaScript strings. Keys and values of etcd are bytes; a byte that is not
// part of valid UTF-8 travels as the lone surrogate U+DC00 + byte, so nothing is lost in memory.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const STRAY_BYTE_BASE = 0xdc00;

/**
 * Decodes bytes so that `textToBytes` gives exactly the same bytes back.
 *
 * Valid UTF-8 decodes as usual (a byte order mark is kept). Every other byte b becomes the code
 * unit U+DC00 + b. The result does not keep `bytes` alive.
 */
export function bytesToText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not valid UTF-8: the decoder cannot say where, so all of it is decoded by hand.
    return decodeWithStrayBytes(bytes);
  }
}

/**
 * Encodes text as UTF-8, with the stray bytes of `bytesToText` restored.
 *
 * Surrogates that `bytesToText` never makes (lone ones outside U+DC80…U+DCFF) become U+FFFD.
 */
export function textToBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const out = new Uint8Array(text.length * 3);
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (isStrayByte(code)) {
      out[end++] = code - STRAY_BYTE_BASE;
      continue;
    }
    end += encoder.encodeInto(String.fromCodePoint(code), out.subarray(end)).written;
    if (code > 0xffff) i++;
  }
  return out.slice(0, end);
}

/**
 * Compares two texts by their bytes, as Go compares strings: negative, zero or positive.
 *
 * Differs from `<` for characters above U+FFFF and for stray bytes.
 */
export function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  let i = 0;
  while (i < shared && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === shared) return a.length - b.length;
  const x = a.charCodeAt(i);
  const y = b.charCodeAt(i);
  if (!isSurrogate(x) && !isSurrogate(y)) return x - y;
  const start = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i;
  return compareBytes(textToBytes(a.slice(start)), textToBytes(b.slice(start)));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isStrayByte(code: number): boolean {
  return code >= STRAY_BYTE_BASE + 0x80 && code <= STRAY_BYTE_BASE + 0xff;
}

function decodeWithStrayBytes(bytes: Uint8Array): string {
  let text = "";
  let validStart = 0;
  let i = 0;
  while (i < bytes.length) {
    const length = sequenceLength(bytes, i);
    if (length > 0) {
      i += length;
      continue;
    }
    text += decoder.decode(bytes.subarray(validStart, i));
    text += String.fromCharCode(STRAY_BYTE_BASE + (bytes[i] ?? 0));
    i++;
    validStart = i;
  }
  return text + decoder.decode(bytes.subarray(validStart));
}

/** Length of the valid UTF-8 sequence at `i`, or 0 if there is none (RFC 3629 §4). */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const lead = bytes[i] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte excludes overlong forms, surrogates and code points above U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[i + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let k = 2; k < length; k++) {
    const next = bytes[i + k] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return length;
}
