// Several members on one machine.

import { getJson } from "./keys.ts";
import { initialCluster, newMember } from "./member.ts";
import type { Member } from "./member.ts";
import type { Command } from "./server-process.ts";
import { until } from "./until.ts";

/** Members that were started together. */
export class TestCluster implements AsyncDisposable {
  readonly members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** The member that `asked` takes for the leader. */
  async leader(asked: readonly Member[] = this.members): Promise<Member> {
    return until("a leader", async () => {
      for (const member of asked) {
        const { name } = await getJson<{ name: string }>(`${member.clientUrl}/v2/members/leader`);
        const found = this.members.find((candidate) => candidate.name === name);
        if (found !== undefined) return found;
      }
      return null;
    });
  }

  /** All members but one. */
  others(than: Member): readonly Member[] {
    return this.members.filter((member) => member !== than);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}

/** How to start a cluster, where that differs from the usual. */
export interface ClusterOptions {
  /** Flags of single members. */
  readonly flagsOf?: (name: string) => readonly string[];
  /** Another program than the one under test. */
  readonly command?: Command;
}

/** Starts `count` members, `m1` and so on, and waits until all of them serve. */
export async function startCluster(count: number, options: ClusterOptions = {}): Promise<TestCluster> {
  const names = Array.from({ length: count }, (_, n) => `m${n + 1}`);
  const cluster = new TestCluster(await Promise.all(names.map((name) => newMember(name, options.command))));
  const shared = initialCluster(cluster.members);
  try {
    const flagsOf = options.flagsOf ?? (() => []);
    await Promise.all(cluster.members.map((member) => member.start([...shared, ...flagsOf(member.name)])));
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}
