// How each member is, asked through its own client URLs all at once, and that as a table. What
// `cluster-health` prints with --watch and as a table.

import { ClientError, EtcdError } from "@kv/client";
import type { Client, Member } from "@kv/client";
import { formatTable } from "./table.ts";

/** One member at one moment. */
export interface MemberHealth {
  readonly member: Member;
  readonly state: "healthy" | "unhealthy" | "unreachable";
  readonly isLeader: boolean;
  /** Of the last entry it has applied; null when it does not say. */
  readonly raftTerm: number | null;
  readonly raftIndex: number | null;
  /** From asking for its health to the answer; null without one. */
  readonly latencyMs: number | null;
}

/** Asks all members; in their order. Failures are states, not exceptions. `now`: monotonic milliseconds. */
export function askMembers(
  client: Client,
  members: readonly Member[],
  options: { readonly signal: AbortSignal | undefined; readonly now: () => number },
): Promise<readonly MemberHealth[]> {
  return Promise.all(members.map((member) => askMember(client, member, options)));
}

async function askMember(
  client: Client,
  member: Member,
  { signal, now }: { readonly signal: AbortSignal | undefined; readonly now: () => number },
): Promise<MemberHealth> {
  for (const endpoint of member.clientURLs) {
    const startMs = now();
    const isHealthy = await client.health({ endpoint, signal }).catch(nullIfUnanswered);
    if (isHealthy === null) continue;
    const latencyMs = now() - startMs;
    const [self, raft] = await Promise.all([
      client.stats.self({ endpoint, signal }).catch(nullIfUnanswered),
      client.stats.raft({ endpoint, signal }).catch(nullIfUnanswered),
    ]);
    return {
      member,
      state: isHealthy ? "healthy" : "unhealthy",
      isLeader: self?.state === "StateLeader",
      raftTerm: raft?.raftTerm ?? null,
      raftIndex: raft?.raftIndex ?? null,
      latencyMs,
    };
  }
  return { member, state: "unreachable", isLeader: false, raftTerm: null, raftIndex: null, latencyMs: null };
}

/** A server that does not answer, or not as it should: that is what is being looked for. */
function nullIfUnanswered(error: unknown): null {
  if (error instanceof ClientError || error instanceof EtcdError) return null;
  throw error;
}

/** One line for all: what operators look at first. */
export function summarize(healths: readonly MemberHealth[]): string {
  const healthyCount = healths.filter(({ state }) => state === "healthy").length;
  const leader = healths.find(({ isLeader }) => isLeader);
  return (
    `${healthyCount} of ${healths.length} members healthy, ` +
    (leader === undefined ? "no leader" : `leader ${nameOf(leader.member)}`)
  );
}

/** The table, a line each, headings first. */
export function healthTable(healths: readonly MemberHealth[]): readonly string[] {
  const rows = healths.map(({ member, state, isLeader, raftTerm, raftIndex, latencyMs }) => [
    member.id,
    member.name,
    state,
    isLeader ? "yes" : "no",
    String(raftTerm ?? "-"),
    String(raftIndex ?? "-"),
    latencyMs === null ? "-" : `${latencyMs.toFixed(1)} ms`,
    member.clientURLs.join(","),
  ]);
  const headings = ["ID", "NAME", "HEALTH", "LEADER", "TERM", "RAFT INDEX", "LATENCY", "CLIENT URLS"];
  return formatTable(headings, rows).trimEnd().split("\n");
}

/** A member that has not started has no name yet. */
function nameOf({ name, id }: Member): string {
  return name === "" ? id : name;
}
