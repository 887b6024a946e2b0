// GET /debug/vars: the process and its raft for people who look for a fault (client-api.md §13).
// The frame is etcd's; memory is this runtime's, under its own names.

import { ProgressState, Role } from "@kv/raft";
import type { HttpHandler } from "@kv/rafthttp/http";
import type { RaftStatus, Server } from "../server-api.ts";
import { methodNotAllowed } from "./errors.ts";
import type { ProcessView } from "./process-view.ts";

const JSON_UTF8_TYPE = ["Content-Type", "application/json; charset=utf-8"] as const;

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  [Role.Follower]: "StateFollower",
  [Role.Candidate]: "StateCandidate",
  [Role.PreCandidate]: "StateCandidate",
  [Role.Leader]: "StateLeader",
};

const PROGRESS_NAMES: Readonly<Record<ProgressState, string>> = {
  [ProgressState.Probe]: "ProgressStateProbe",
  [ProgressState.Replicate]: "ProgressStateReplicate",
  [ProgressState.Snapshot]: "ProgressStateSnapshot",
};

/** Answers `/debug/vars`. */
export function debugVarsHandler(server: Pick<Server, "raftStatus">, view: ProcessView): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    const variables: readonly (readonly [name: string, value: unknown])[] = [
      ["cmdline", view.commandLine],
      ["file_descriptor_limit", view.fileDescriptorLimit],
      ["memstats", view.memory()],
      ["raft.status", raftStatusOf(server.raftStatus())],
    ];
    const lines = variables.map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
    return { status: 200, headers: [JSON_UTF8_TYPE], body: `{\n${lines.join(",\n")}\n}\n` };
  };
}

function raftStatusOf(status: RaftStatus): Readonly<Record<string, unknown>> {
  const { id, term, vote, commit, lead } = status;
  const progress = Object.entries(status.progress ?? {}).map(
    ([peer, { match, next, state }]) => [peer, { match, next, state: PROGRESS_NAMES[state] }] as const,
  );
  return {
    id,
    term,
    vote,
    commit,
    lead,
    raftState: ROLE_NAMES[status.role],
    progress: Object.fromEntries(progress),
  };
}
