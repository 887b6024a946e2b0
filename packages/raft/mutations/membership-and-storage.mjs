// Rows 25 to 48 of the mutation table (docs/spec/raft-tests.md, part IV): reads, membership, snapshots,
// what is durable, timeouts. The form is that of elections-and-log.mjs.

/** @type {import("./mutation.d.mts").Mutation[]} */
export const MEMBERSHIP_AND_STORAGE = [
  {
    row: 25,
    edits: [
      [
        "read-index.ts",
        "reads.confirmThrough(raft.tracker.committedAck(reads.acks()))",
        "reads.confirmThrough(position)",
      ],
    ],
    tests: ["read-index"],
  },
  {
    row: 26,
    edits: [
      [
        "tracker.ts",
        "progress.isLearner = learners.includes(progress.id);",
        "progress.isLearner = learners.length < 0;",
      ],
    ],
    tests: ["snapshot", "membership", "election"],
  },
  {
    row: 27,
    edits: [
      ["tracker.ts", "return Math.min(incoming, this.#majorityMatch(this.#outgoing));", "return incoming;"],
    ],
    tests: ["tracker", "membership"],
  },
  {
    row: 28,
    edits: [
      [
        "tracker.ts",
        "return VoteResult.Lost;\n    return VoteResult.Pending;",
        "return VoteResult.Lost;\n    return VoteResult.Won;",
      ],
    ],
    tests: ["tracker"],
  },
  {
    row: 29,
    edits: [["propose.ts", "if (pendingConfIndex > raft.log.applied) return false;", ""]],
    tests: ["membership"],
  },
  {
    row: 30,
    edits: [["election.ts", "if (hasUnappliedConfChange(raft)) return;", ""]],
    tests: ["election"],
  },
  {
    row: 31,
    edits: [
      ["log-unstable.ts", "this.#entries = [];\n    this.snapshot = snapshot;", "this.snapshot = snapshot;"],
    ],
    tests: ["log-unstable", "snapshot"],
  },
  {
    row: 32,
    edits: [
      ["step-follower.ts", "if (index <= raft.log.committed || ", "if (index < raft.log.committed || "],
    ],
    tests: ["snapshot"],
  },
  {
    row: 33,
    edits: [
      [
        "log-unstable.ts",
        "this.maybeTerm(index) !== term) return;",
        "this.maybeTerm(index) < term * 0) return;",
      ],
    ],
    tests: ["log-unstable", "ready"],
  },
  {
    row: 34,
    edits: [
      [
        "raft.ts",
        "// The entries may have been overwritten since; the snapshot was not.",
        "if (message.index !== 0) this.log.unstable.stableTo(message.index, message.logTerm);",
      ],
    ],
    tests: ["ready"],
  },
  {
    row: 35,
    edits: [
      [
        "ready.ts",
        "const committedEntries = log.nextCommitted(!this.#isAsync);",
        "const committedEntries = log.nextCommitted(true);",
      ],
    ],
    tests: ["ready"],
  },
  {
    row: 36,
    edits: [
      [
        "raft.ts",
        "ack.index = lastIndex;",
        "ack.index = lastIndex;\n    this.tracker.get(this.id)?.maybeUpdate(lastIndex);",
      ],
    ],
    tests: ["ready", "raft-paper"],
  },
  {
    row: 37,
    edits: [
      [
        "raft.ts",
        "this.becomeFollower(message.term, isFromLeader ? message.from : NONE);",
        "this.becomeFollower(message.term, isFromLeader || message.from !== NONE ? message.from : NONE);",
      ],
    ],
    tests: ["raft-paper", "election"],
  },
  {
    row: 38,
    edits: [
      [
        "raft.ts",
        "if (message.term === this.term) return true;",
        "if (message.term === this.term || message.term === this.term - 1) return true;",
      ],
    ],
    tests: ["raft-paper"],
  },
  {
    row: 39,
    edits: [["propose.ts", "return raft.uncommittedSizeBytes + sizeBytes <= limit;", "return true;"]],
    tests: ["flow-control"],
  },
  {
    row: 40,
    edits: [
      ["progress.ts", "} else if (count > 0) {\n      this.isFlowPaused = true;", "} else if (count > 0) {"],
    ],
    tests: ["progress", "flow-control"],
  },
  {
    row: 41,
    edits: [
      [
        "step-follower.ts",
        "log.findConflictByTerm(Math.min(message.index, log.lastIndex), message.logTerm)",
        "{ index: Math.min(message.index, log.lastIndex), term: 0 }",
      ],
    ],
    tests: ["flow-control", "raft-paper"],
  },
  {
    row: 42,
    edits: [
      [
        "raft.ts",
        "this.append([{ term: this.term, index: this.log.lastIndex + 1, type: EntryType.Normal, data: null }]);",
        "",
      ],
    ],
    tests: ["raft-paper"],
  },
  {
    row: 43,
    edits: [["progress.ts", "this.match = 0;\n    this.next = lastIndex + 1;", "this.next = lastIndex + 1;"]],
    tests: ["flow-control"],
  },
  {
    row: 44,
    edits: [
      [
        "tracker.ts",
        "if (!this.#votes.has(id)) this.#votes.set(id, isGranted);",
        "this.#votes.set(id, isGranted);",
      ],
    ],
    tests: ["raft-paper"],
  },
  {
    row: 45,
    edits: [
      [
        "step-candidate.ts",
        "if (raft.role === Role.PreCandidate) countVote(raft, message);",
        "countVote(raft, message);",
      ],
    ],
    tests: ["election"],
  },
  {
    row: 46,
    edits: [
      [
        "raft.ts",
        "this.electionElapsed < this.randomizedElectionTimeout",
        "this.electionElapsed <= this.randomizedElectionTimeout",
      ],
    ],
    tests: ["raft-paper", "election"],
  },
  {
    row: 47,
    edits: [["raft.ts", "if (this.role === Role.Leader) this.leadTransferee = NONE;", ""]],
    tests: ["transfer"],
  },
  {
    row: 48,
    edits: [["raft.ts", "this.step(leave);", "if (leave.entries.length === 0) this.step(leave);"]],
    tests: ["membership"],
  },
];
