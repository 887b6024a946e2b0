// Rows 101 and up: deliberate bugs beyond the table of docs/spec/raft-tests.md, in reads by lease and in
// the switch between the profiles. Each has its name here. Most are noticed by the simulator alone, among
// the seeds of sim/lease-reads and sim/rolling-profiles. The form is that of elections-and-log.mjs.

/** @type {(import("./mutation.d.mts").Mutation & { readonly name: string })[]} */
export const LEASES_AND_PROFILES = [
  {
    row: 101,
    name: "the lease lasts as long as the leader leads",
    edits: [
      [
        "read-lease.ts",
        "!this.#isGivenUp && this.#now - this.#heldFrom < this.#leaseTicks",
        "!this.#isGivenUp && this.#heldFrom >= -this.#leaseTicks",
      ],
    ],
    tests: ["sim/lease-reads"],
  },
  {
    row: 102,
    name: "one answer renews the lease",
    edits: [
      [
        "read-index.ts",
        "reads.confirmThrough(raft.tracker.committedAck(reads.acks()))",
        "reads.confirmThrough(position)",
      ],
    ],
    tests: ["sim/lease-reads"],
  },
  {
    row: 103,
    name: "a voter that starts again owes nothing",
    edits: [["read-lease.ts", "#promisedAt = 0;", "#promisedAt = Number.NEGATIVE_INFINITY;"]],
    tests: ["sim/lease-reads"],
  },
  {
    row: 104,
    name: "a voter that is told to campaign does so in spite of its promise",
    edits: [["election.ts", `if (kind !== "transfer" && raft.hasPromised()) return;`, ""]],
    tests: ["sim/lease-reads"],
  },
  {
    row: 105,
    name: "the lease outlives the order to take over",
    edits: [["step-leader.ts", "if (raft.lease !== null) raft.lease.giveUp();", ""]],
    tests: ["sim/lease-reads"],
  },
  {
    row: 106,
    name: "a voter under the rules of etcd 2 counts for the lease",
    edits: [
      ["step-follower.ts", `if (compat === "etcd2") return null;`, `if (compat === "etcd2") return context;`],
    ],
    tests: ["sim/lease-reads"],
  },
  {
    row: 107,
    name: "the lease counts from the answer, not from the heartbeat",
    edits: [
      [
        "read-lease.ts",
        "this.#heldFrom = Math.max(this.#heldFrom, sentAt);",
        "this.#heldFrom = Math.max(sentAt, this.#now);",
      ],
    ],
    tests: ["read-lease"],
  },
  {
    row: 108,
    name: "a promise ends with its term",
    edits: [["raft.ts", "if (this.hasPromised() && !isTransferCampaign(message)) return true;", ""]],
    tests: ["read-lease"],
  },
  {
    row: 109,
    name: "time in which a process stood still does not count for its lease",
    edits: [
      [
        "node/loop.ts",
        "if (isLeaseRead) raft.elapse(this.#ticker.takePassed());",
        "if (isLeaseRead) raft.elapse(Math.min(1, this.#ticker.takePassed()));",
      ],
    ],
    tests: ["node/lease-reads"],
  },
  {
    row: 110,
    name: "votes are withheld under the rules of etcd 2",
    edits: [
      [
        "raft.ts",
        `return this.options.checkQuorum && this.#compat === "modern";`,
        "return this.options.checkQuorum;",
      ],
    ],
    tests: ["sim/rolling-profiles"],
  },
  {
    row: 111,
    name: "pre-votes are asked for under the rules of etcd 2",
    edits: [
      [
        "raft.ts",
        `return this.options.preVote && this.#compat === "modern";`,
        "return this.options.preVote;",
      ],
    ],
    tests: ["sim/rolling-profiles"],
  },
  {
    row: 112,
    name: "a pre-election goes on under the rules of etcd 2",
    edits: [["raft.ts", "if (this.role === Role.PreCandidate) this.becomeFollower(this.term, NONE);", ""]],
    tests: ["raw-node"],
  },
];
