// What operators see and change of the process around a member. The program provides it; a member
// that is part of a larger program need not.

/** The process that runs a member. */
export interface ProcessView {
  /** The program and its words. Not fit for secrets: `/debug/vars` shows it to everybody. */
  readonly commandLine: readonly string[];
  /** How many descriptors may be open at once. */
  readonly fileDescriptorLimit: number;
  /** Figures in bytes, by name. */
  memory(): Readonly<Record<string, number>>;
  /** Figures for Prometheus, text format 0.0.4. */
  metrics(): Promise<string>;
  /**
   * Prints the log of all parts from this level on. `word` is a level's name, its first letter or its number, in any case.
   *
   * @returns the level's full name, or null when there is none of this name.
   */
  setLogLevel(word: string): string | null;
}
