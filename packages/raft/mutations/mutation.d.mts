/** One row of the mutation table as a change of the sources. */
export interface Mutation {
  /** Its number in the table. */
  readonly row: number;
  /** File below src, what stands there exactly once, and what takes its place. */
  readonly edits: readonly (readonly [file: string, find: string, replace: string])[];
  /** Names of test files below src, without `.test.ts`; at least one test in them must fail. */
  readonly tests: readonly string[];
}
