// Rows 1 to 24 of the mutation table (docs/spec/raft-tests.md, part IV): who leads, and what the log holds.
//
// Each is a small change of the sources: in `file`, `find` (which stands there exactly once) becomes
// `replace`. `tests` are the files of tests that must notice.

/** @type {import("./mutation.d.mts").Mutation[]} */
export const ELECTIONS_AND_LOG = [
  {
    row: 1,
    edits: [
      [
        "log.ts",
        "if (term === 0 || index <= this.committed || !this.matchTerm(index, term)) return false;",
        "if (term === 0 || index <= this.committed) return false;",
      ],
    ],
    tests: ["raft-paper", "regressions"],
  },
  {
    row: 2,
    edits: [
      [
        "tracker.ts",
        "const quorum = Math.floor(count / 2) + 1;",
        "const quorum = Math.max(1, Math.floor(count / 2));",
      ],
      [
        "tracker.ts",
        "return active >= Math.floor(voters.length / 2) + 1;",
        "return active >= Math.floor(voters.length / 2);",
      ],
      [
        "tracker.ts",
        "const quorum = Math.floor(voters.length / 2) + 1;",
        "const quorum = Math.max(1, Math.floor(voters.length / 2));",
      ],
    ],
    tests: ["tracker", "raft-paper"],
  },
  {
    row: 3,
    edits: [
      [
        "election.ts",
        "if (raft.vote === NONE && raft.lead === NONE) return true;",
        "if (raft.lead === NONE) return true;",
      ],
      [
        "election.ts",
        'assert(raft.vote === NONE || raft.vote === message.from, "a vote is given once in a term");',
        "",
      ],
    ],
    tests: ["raft-paper", "election"],
  },
  {
    row: 4,
    edits: [["election.ts", " || !raft.log.isUpToDate(message.index, message.logTerm)", ""]],
    tests: ["raft-paper", "regressions"],
  },
  {
    row: 5,
    edits: [
      [
        "log.ts",
        "return term > lastTerm || (term === lastTerm && index >= this.lastIndex);",
        "return lastTerm >= 0 && index >= this.lastIndex;",
      ],
    ],
    tests: ["log", "raft-paper"],
  },
  {
    row: 6,
    edits: [
      [
        "log.ts",
        "(term === lastTerm && index >= this.lastIndex)",
        "(term === lastTerm && index > this.lastIndex)",
      ],
    ],
    tests: ["log", "raft-paper"],
  },
  {
    row: 7,
    edits: [["raft.ts", "if (term !== this.term) {\n      this.term = term;", "{\n      this.term = term;"]],
    tests: ["raft-paper", "election"],
  },
  {
    row: 8,
    edits: [["raft.ts", "this.term = term;\n      this.vote = NONE;", "this.term = term;"]],
    tests: ["raft-paper", "election"],
  },
  {
    row: 9,
    edits: [
      [
        "log.ts",
        "const start = this.findConflict(entries);",
        "const start = Math.min(this.findConflict(entries), Math.max(0, this.committed - previousIndex));",
      ],
    ],
    tests: ["log", "raft-paper"],
  },
  {
    row: 10,
    edits: [
      [
        "log.ts",
        "if (!this.matchTerm(previousIndex, previousTerm)) return -1;",
        "if (previousIndex > this.lastIndex || previousTerm < 0) return -1;",
      ],
    ],
    tests: ["log", "raft-paper"],
  },
  {
    row: 11,
    edits: [
      [
        "log.ts",
        "this.commitTo(Math.min(leaderCommit, last));",
        "this.commitTo(Math.min(leaderCommit, this.lastIndex));",
      ],
    ],
    tests: ["log", "regressions"],
  },
  {
    row: 12,
    edits: [
      [
        "replication.ts",
        "message.commit = Math.min(peer.match, raft.log.committed);",
        "message.commit = raft.log.committed;",
      ],
    ],
    tests: ["flow-control"],
  },
  {
    row: 13,
    edits: [
      [
        "step-follower.ts",
        "hearLeader(raft, message);\n      handleHeartbeat(raft, message);",
        "raft.lead = message.from;\n      handleHeartbeat(raft, message);",
      ],
    ],
    tests: ["election"],
  },
  {
    row: 14,
    edits: [
      [
        "step-candidate.ts",
        "case MessageType.App:\n    case MessageType.Heartbeat:",
        "case MessageType.App:\n      return true;\n    case MessageType.Heartbeat:",
      ],
    ],
    tests: ["raft-paper"],
  },
  {
    row: 15,
    edits: [["step-follower.ts", "answer.index = log.committed;", "answer.index = message.index;"]],
    tests: ["raft-paper", "log"],
  },
  {
    row: 16,
    edits: [
      [
        "progress.ts",
        "this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);",
        "this.next = Math.max(Math.min(rejected, hint + 1), 1);",
      ],
    ],
    tests: ["progress"],
  },
  {
    row: 17,
    edits: [["progress.ts", "if (rejected <= this.match) return false;", ""]],
    tests: ["progress", "flow-control"],
  },
  {
    row: 18,
    edits: [["inflights.ts", "this.#indexes[this.#start]! <= index", "this.#indexes[this.#start]! < index"]],
    tests: ["inflights"],
  },
  {
    row: 19,
    edits: [
      [
        "step-leader.ts",
        "if (!raft.tracker.isQuorumActive(raft.id)) {\n    raft.becomeFollower(raft.term, NONE);",
        "if (!raft.tracker.isQuorumActive(raft.id)) {",
      ],
    ],
    tests: ["election"],
  },
  {
    row: 20,
    edits: [["raft.ts", "if (type === MessageType.PreVote) return true;", ""]],
    tests: ["election"],
  },
  {
    row: 21,
    edits: [["raft.ts", "(this.isVoteLeaseOn && inLease) || this.hasPromised()", "this.hasPromised()"]],
    tests: ["election"],
  },
  {
    row: 22,
    edits: [["propose.ts", " || raft.leadTransferee !== NONE) return false;", ") return false;"]],
    tests: ["transfer"],
  },
  {
    row: 23,
    edits: [
      [
        "step-leader.ts",
        "if (peer.match === raft.log.lastIndex) sendTimeoutNow(raft, peer);\n  else sendAppend(raft, peer);",
        "sendTimeoutNow(raft, peer);",
      ],
    ],
    tests: ["transfer"],
  },
  {
    row: 24,
    edits: [["raft.ts", "return this.log.matchTerm(this.log.committed, this.term);", "return true;"]],
    tests: ["read-index"],
  },
];
