// The pieces of a body as one text. Hot path.

/** Longer bodies are rare, and not worth keeping room for. */
const ROOM_MAX_BYTES = 1024 * 1024;

// Fresh memory is what joining 64 KB costs most: the system hands it out page by page, and the collector has to
// find it again. So pieces are joined in the same room each time; the text that is made of them has its own.
let room = Buffer.allocUnsafeSlow(128 * 1024);

/** All pieces as a text of one character per byte. */
export function joinLatin1(pieces: readonly Buffer[]): string {
  const [first] = pieces;
  if (first === undefined) return "";
  if (pieces.length === 1) return first.toString("latin1");
  let size = 0;
  for (const piece of pieces) size += piece.length;
  if (size > ROOM_MAX_BYTES) return Buffer.concat(pieces, size).toString("latin1");
  if (size > room.length) room = Buffer.allocUnsafeSlow(Math.min(2 * size, ROOM_MAX_BYTES));
  let end = 0;
  for (const piece of pieces) end += piece.copy(room, end);
  return room.toString("latin1", 0, size);
}
