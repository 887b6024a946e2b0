/** A command line that keeps a program on some CPUs, given as taskset takes them; null: on all. */
export function pinned(
  cpus: string | null,
  program: string,
  words: readonly string[],
): readonly [program: string, words: readonly string[]] {
  return cpus === null ? [program, words] : ["taskset", ["--cpu-list", cpus, program, ...words]];
}
