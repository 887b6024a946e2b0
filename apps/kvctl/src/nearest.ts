// Which word was meant: the one that is the fewest slips of the finger away.

/** The candidate nearest to `word`, the first of several; null if all need more than one slip in three letters. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestSlips = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const most = Math.max(word.length, candidate.length) / 3;
    // Whatever else: what is longer is too much.
    if (Math.abs(word.length - candidate.length) > most) continue;
    const slips = countSlips(word, candidate);
    if (slips >= bestSlips || slips > most) continue;
    best = candidate;
    bestSlips = slips;
  }
  return best;
}

/** Letters that are missing, too much, wrong, or in the wrong order (optimal string alignment distance). */
export function countSlips(a: string, b: string): number {
  // rows[i][j]: slips between the first i letters of a and the first j of b.
  const rows = Array.from({ length: a.length + 1 }, (_row, i) =>
    Array.from({ length: b.length + 1 }, (_column, j) => i + j),
  );
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let slips = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (isSame ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) slips = Math.min(slips, at(i - 2, j - 2) + 1);
      rows[i]![j] = slips; // i <= a.length
    }
  }
  return at(a.length, b.length);
}
