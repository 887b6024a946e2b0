// Rows 49 to 58 of the mutation table (docs/spec/raft-tests.md, part IV): what must be durable before what,
// in the driver and in the storage. The form is that of elections-and-log.mjs.
//
// Row 52 is about two files; here its place is the driver, which may refer to an own snapshot only
// when all of it is durable. Row 53 is about a log on disk; its place is the storage that raft reads.

/** @type {import("./mutation.d.mts").Mutation[]} */
export const DURABILITY = [
  {
    row: 49,
    edits: [
      [
        "node/loop.ts",
        "this.#appends.add(ready);",
        `const acks = (ready.appendRequest?.responses ?? []).filter((one) => one.type === 4 && one.to !== raft.id);
    if (acks.length > 0) transport.send(acks);
    this.#appends.add(ready);`,
      ],
    ],
    tests: ["node/node"],
  },
  {
    row: 50,
    edits: [
      [
        "ready.ts",
        "return log.committed !== commit || term !== this.#hardState.term || vote !== this.#hardState.vote;",
        "return log.committed !== commit || term < 0 || vote.length === 0;",
      ],
    ],
    tests: ["ready"],
  },
  {
    row: 51,
    edits: [
      [
        "ready.ts",
        "return log.committed !== commit || term !== this.#hardState.term || vote !== this.#hardState.vote;",
        "return log.committed !== commit || term < 0 || vote !== this.#hardState.vote;",
      ],
    ],
    tests: ["ready"],
  },
  {
    row: 52,
    edits: [
      [
        "node/create-snapshot.ts",
        "  try {\n    await disk.saveSnapshot(",
        `  const isEarly = index > memory.snapshot().meta.index;
  if (isEarly) memory.createSnapshot(index, confState, data);
  if (isEarly && index > keepEntries) memory.compact(index - keepEntries);
  try {
    await disk.saveSnapshot(`,
      ],
    ],
    tests: ["node/node"],
  },
  {
    row: 53,
    edits: [["memory-storage.ts", "this.#entries.length = this.#position(first + skipped);", ""]],
    tests: ["memory-storage"],
  },
  {
    row: 54,
    edits: [["raft.ts", "if (options.applied > 0) this.log.appliedTo(options.applied, 0);", ""]],
    tests: ["membership", "ready"],
  },
  {
    row: 55,
    edits: [
      [
        "node/loop.ts",
        "#save(batch: AppendBatch): void {",
        `#save(batch: AppendBatch): void {
    this.#options.transport.send(batch.responses.filter((one) => one.to !== this.#options.raft.id));`,
      ],
    ],
    tests: ["node/node"],
  },
  {
    row: 56,
    edits: [
      [
        "node/loop.ts",
        "while (!disk.isSaving && !this.#appends.isEmpty) {",
        "while (!this.#appends.isEmpty) {",
      ],
      ["node/disk.ts", 'assert(!this.#isSaving, "at most one save is in flight");', ""],
    ],
    tests: ["node/node", "node/disk"],
  },
  {
    row: 57,
    edits: [
      [
        "tracker.ts",
        "if (this.progresses[i]!.id === id) return this.progresses[i];",
        "if (Number(`0x${this.progresses[i]!.id}`) === Number(`0x${id}`)) return this.progresses[i];",
      ],
    ],
    tests: ["tracker", "raft-paper", "flow-control", "election"],
  },
  {
    row: 58,
    edits: [
      [
        "node/pending.ts",
        "if (term === entry.term) proposal.applied(applied);",
        "if (term >= 0) proposal.applied(applied);",
      ],
    ],
    tests: ["node/node"],
  },
];
