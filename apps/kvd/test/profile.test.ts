// Raft's profile follows the company: all rules among members that announce themselves as kv, those of etcd
// 2.x as soon as one does not. Spec: raft.md §15.3.

import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { keys, postJson, put, request as ask } from "./harness/keys.ts";
import { initialCluster, newMember, startSingle, type Member } from "./harness/member.ts";
import { memberIds } from "./harness/members.ts";
import { until } from "./harness/until.ts";

/** How soon a profile must follow: members that are up hear of each other within some redials of 100 ms. */
const SWITCH_MS = 5_000;
/** The last message type of 2.3.8 (raft.md §2.3), and two that it does have. */
const LAST_OF_ETCD2 = 12;
const VOTE = 5;

test("three members use all rules soon after their start, without their leader too, and when it is back", async () => {
  await using cluster = await startCluster(3);
  await expectProfile(cluster.members, "modern");
  const leader = await cluster.leader();
  const survivors = cluster.others(leader);

  await leader.crash();
  await until("a write after the crash", () =>
    put(survivors[0]!.clientUrl, "/after", "x", { timeoutMs: 500 }),
  );
  await expectProfile(survivors, "modern"); // who is down is what it was

  await leader.start();
  await expectProfile(cluster.members, "modern");
  expect((await keys("GET", leader.clientUrl, "/after?quorum=true")).body.node?.value).toBe("x");
});

test("a member alone uses all rules, not while an added one was never heard, and again when that is kv", async () => {
  await using first = await startSingle();
  await expectProfile([first], "modern");
  await using second = await newMember("second");

  await postJson(`${first.clientUrl}/v2/members`, { peerURLs: [second.peerUrl] });
  await expectProfile([first], "etcd2");
  await second.start([...initialCluster([first, second]), "--initial-cluster-state", "existing"]);

  await expectProfile([first, second], "modern");
  expect((await put(second.clientUrl, "/through-second", "2")).value).toBe("2");
});

test("when another program answers for a member, no pre-vote reaches it, and kv in its place ends that", async () => {
  await using cluster = await startCluster(3);
  await expectProfile(cluster.members, "modern");
  const leader = await cluster.leader();
  const [survivor, replaced] = cluster.others(leader) as [Member, Member];
  const ids = await memberIds(leader.clientUrl);
  const replacedId = ids.get(replaced.name) ?? "";
  const clusterId = (await ask("GET", `${leader.clientUrl}/v2/keys/`)).headers.get("x-etcd-cluster-id") ?? "";

  await replaced.crash();
  const dial = (at: Member): Promise<Stranger> =>
    Stranger.dial(at, { clusterId, from: replacedId, to: ids.get(at.name) ?? "" });
  using atLeader = await dial(leader);
  using atSurvivor = await dial(survivor);
  await expectProfile([leader, survivor], "etcd2");

  // One of three is no majority: it asks for votes again and again.
  await leader.crash();
  await until("the survivor to ask for votes", () => (atSurvivor.types.has(VOTE) ? true : null));
  expect([...atSurvivor.types, ...atLeader.types].filter((type) => type > LAST_OF_ETCD2)).toStrictEqual([]);

  atSurvivor[Symbol.dispose]();
  await replaced.start();
  await expectProfile([survivor], "modern");
  await expectProfile([replaced], "etcd2"); // it has not heard of the old leader since it was started
  expect((await put(survivor.clientUrl, "/after", "x")).value).toBe("x");
  await leader.start();
  await expectProfile(cluster.members, "modern");
});

async function expectProfile(members: readonly Member[], profile: "modern" | "etcd2"): Promise<void> {
  const line = `kv_server_raft_modern ${profile === "modern" ? 1 : 0}\n`;
  for (const { name, clientUrl } of members) {
    await until(
      `${name} to be ${profile}`,
      async () => ((await (await fetch(`${clientUrl}/metrics`)).text()).includes(line) ? true : null),
      { timeoutMs: SWITCH_MS },
    );
  }
}

/** A message stream as a 2.3.8 member opens it: with all of its headers, and no announcement. */
class Stranger implements Disposable {
  /** Of all messages that came. */
  readonly types: Set<number> = new Set();
  readonly #answer: IncomingMessage;

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    answer.on("error", () => {}); // the member is killed
    let bytes = Buffer.alloc(0);
    answer.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32BE(4)) {
        this.types.add(bytes[9]!); // the first field of a message is its type
        bytes = bytes.subarray(8 + bytes.readUInt32BE(4));
      }
    });
  }

  static async dial(
    member: Member,
    { clusterId, from, to }: { readonly clusterId: string; readonly from: string; readonly to: string },
  ): Promise<Stranger> {
    const outgoing = request(`${member.peerUrl}/raft/stream/message/${from}`, {
      headers: {
        "X-Etcd-Cluster-ID": clusterId,
        "X-Server-From": from,
        "X-Server-Version": "2.3.8",
        "X-Min-Cluster-Version": "2.2.0",
        "X-Raft-To": to,
      },
    });
    outgoing.end();
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    return new Stranger(answer);
  }

  [Symbol.dispose](): void {
    this.#answer.destroy();
  }
}
