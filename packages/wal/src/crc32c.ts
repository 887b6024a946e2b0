// CRC-32C (Castagnoli), the checksum of log records and snapshot files. A table that takes eight
// bytes per step serves small inputs, an optional native add-on the large ones. Hot path.
// Source: disk-format.md §3.4; check value of "123456789" is e3069283.

import { createRequire } from "node:module";

const POLYNOMIAL_REFLECTED = 0x82f63b78;

/** From here on the native call wins over the table (toolchain.md §7: 256 bytes 370 ns against 479 ns). */
const NATIVE_THRESHOLD_BYTES = 192;

type NativeCrc32c = (bytes: Uint8Array, previous: number) => number;

/** Eight tables of 256: table k is the effect of a byte that is followed by k zero bytes. */
const TABLES = buildTables();

/** The native implementation, or null where the optional package is not installed. */
export const nativeCrc32c: NativeCrc32c | null = loadNative();

/**
 * The CRC-32C of `bytes` appended to something whose CRC is `previous` (0: nothing before).
 * The result is unsigned.
 */
export function crc32c(bytes: Uint8Array, previous: number): number {
  if (nativeCrc32c !== null && bytes.length >= NATIVE_THRESHOLD_BYTES) return nativeCrc32c(bytes, previous);
  return tableCrc32c(bytes, 0, bytes.length, previous);
}

/** `crc32c` of `bytes[start, end)`, without a view for small ranges. */
export function crc32cOfRange(bytes: Uint8Array, start: number, end: number, previous: number): number {
  if (nativeCrc32c !== null && end - start >= NATIVE_THRESHOLD_BYTES) {
    return nativeCrc32c(bytes.subarray(start, end), previous);
  }
  return tableCrc32c(bytes, start, end, previous);
}

/** The pure implementation, for any size; `crc32c` chooses between the two. */
export function tableCrc32c(bytes: Uint8Array, start: number, end: number, previous: number): number {
  const tables = TABLES;
  let crc = ~previous;
  let i = start;
  // Indexes are bounded: every one is a byte below 256 plus the start of its table.
  for (const last = end - 7; i < last; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      tables[1792 + (low & 255)]! ^
      tables[1536 + ((low >>> 8) & 255)]! ^
      tables[1280 + ((low >>> 16) & 255)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/**
 * The CRC of A followed by B, from the CRC of each alone and the length of B in bytes.
 *
 * Lets a header be checksummed after the data it precedes: appending n zero bytes to A is a linear
 * map over GF(2), here raised to the n-th power by squaring (32×32 bit matrices, microseconds).
 */
export function combineCrc32c(crcA: number, crcB: number, lengthB: number): number {
  let remaining = lengthB;
  let crc = crcA;
  let power = zeroByteMatrix();
  while (remaining > 0) {
    if (remaining % 2 === 1) crc = applyMatrix(power, crc);
    remaining = Math.floor(remaining / 2);
    if (remaining > 0) power = squareMatrix(power);
  }
  return (crc ^ crcB) >>> 0;
}

/** Column b is what one zero byte makes of a register in which only bit b is set. */
function zeroByteMatrix(): Uint32Array {
  const matrix = new Uint32Array(32);
  for (let bit = 0; bit < 32; bit++) {
    const register = (1 << bit) >>> 0;
    matrix[bit] = (register >>> 8) ^ TABLES[register & 255]!;
  }
  return matrix;
}

function applyMatrix(matrix: Uint32Array, vector: number): number {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (((vector >>> bit) & 1) === 1) result ^= matrix[bit]!;
  }
  return result;
}

function squareMatrix(matrix: Uint32Array): Uint32Array {
  return matrix.map((column) => applyMatrix(matrix, column));
}

function buildTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!;
    tables[i] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

function loadNative(): NativeCrc32c | null {
  try {
    const loaded: unknown = createRequire(import.meta.url)("@node-rs/crc32");
    if (typeof loaded !== "object" || loaded === null || !("crc32c" in loaded)) return null;
    return isCrc32c(loaded.crc32c) ? loaded.crc32c : null;
  } catch {
    // An optional accelerator: not installed, no binary for this platform, or a single executable
    // without node_modules. The table computes the same.
    return null;
  }
}

/** Whether it is a function that continues a CRC-32C, by trying. */
function isCrc32c(candidate: unknown): candidate is NativeCrc32c {
  if (typeof candidate !== "function") return false;
  const bytes = Buffer.from("123456789");
  const result: unknown = candidate(bytes.subarray(4), tableCrc32c(bytes, 0, 4, 0));
  return result === tableCrc32c(bytes, 0, bytes.length, 0);
}
