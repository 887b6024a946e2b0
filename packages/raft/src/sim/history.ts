// What clients of registers asked for and what they were told: the material of the checker.

/** What a client does to a register. */
export type RegisterFunction = "read" | "write" | "cas";

/**
 * One operation of a client on one register.
 *
 * `call` and `return` are places in the order of all calls and returns, each used once. A client that
 * saw no answer has `return` null: the operation may take effect at any time after `call`, or never.
 */
export interface RegisterOperation {
  readonly client: number;
  readonly key: number;
  readonly f: RegisterFunction;
  /** read: null; write: the value; cas: what to compare with and what to write. */
  readonly arg: null | number | readonly [number | null, number];
  readonly call: number;
  readonly return: number | null;
  /** read: the value, null if there is none; write: true; cas: whether it compared equal; without an answer "unknown". */
  readonly out: number | boolean | null | "unknown";
}
