// What clients of a simulation ask for, as the bytes of an entry.

/** The operations on a register. */
export const CommandKind = { Write: 0, Cas: 1, Read: 2 } as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

/** An operation on one register, named by `id`: applied once, however often it is in the log. */
export interface Command {
  readonly id: number;
  readonly kind: CommandKind;
  readonly key: number;
  /** What to write. */
  readonly value: number;
  /** What a compare-and-swap compares with. */
  readonly expected: number;
}

const SIZE_BYTES = 17;

export function encodeCommand(command: Command): Uint8Array {
  const data = new Uint8Array(SIZE_BYTES);
  const view = new DataView(data.buffer);
  data[0] = command.kind;
  view.setUint32(1, command.id);
  view.setUint32(5, command.key);
  view.setUint32(9, command.value);
  view.setUint32(13, command.expected);
  return data;
}

/** The command in an entry, or null for a no-op. */
export function decodeCommand(data: Uint8Array | null): Command | null {
  if (data === null || data.length !== SIZE_BYTES) return null;
  const view = new DataView(data.buffer, data.byteOffset);
  const kind = Object.values(CommandKind).find((one) => one === data[0]);
  if (kind === undefined) return null;
  return {
    kind,
    id: view.getUint32(1),
    key: view.getUint32(5),
    value: view.getUint32(9),
    expected: view.getUint32(13),
  };
}
