// What no honest member sends, against the peer ports of a running cluster: the right answer, and members
// that go on as if nothing had been said. Spec: peer-protocol.md §3.

import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import type { TestCluster } from "./harness/cluster.ts";
import { get, put } from "./harness/keys.ts";
import { memberIds, removeMember } from "./harness/members.ts";
import { initialCluster, newMember } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { until } from "./harness/until.ts";
import { encodeWireMessage, varint, WireType } from "./harness/wire-message.ts";
import type { WireFields } from "./harness/wire-message.ts";

const GROWTH_MAX_BYTES = 200 * 1024 * 1024;
const HUGE = 1n << 40n;

const { App, AppResp, Heartbeat } = WireType;

let cluster: TestCluster;
let leader: Member;
let follower: Member;
let ids: { readonly leader: bigint; readonly follower: bigint; readonly removed: bigint };
let headers: Readonly<Record<string, string>>;
let term: bigint;
let memoryBefore: number;

describe.each(["kv", "node"])("with --http-engine=%s", (engine) => {
  beforeAll(async () => {
    cluster = await startCluster(3, { flagsOf: () => [`--http-engine=${engine}`] });
    leader = await cluster.leader();
    const [kept, removed] = cluster.others(leader);
    if (kept === undefined || removed === undefined) throw new Error("no followers");
    follower = kept;
    const byName = await memberIds(leader.clientUrl);
    const idOf = (member: Member) => BigInt(`0x${byName.get(member.name) ?? ""}`);
    ids = { leader: idOf(leader), follower: idOf(follower), removed: idOf(removed) };
    await removeMember(leader.clientUrl, ids.removed.toString(16));
    await removed.process.exit();
    const answer = await fetch(`${leader.clientUrl}/v2/keys/`);
    term = BigInt(answer.headers.get("x-raft-term") ?? "");
    headers = {
      "X-Etcd-Cluster-ID": answer.headers.get("x-etcd-cluster-id") ?? "",
      "X-Server-Version": "2.3.0",
      "X-Min-Cluster-Version": "2.2.0",
    };
    memoryBefore = await memoryOf(leader);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["from another cluster", { "X-Etcd-Cluster-ID": "1234" }, "412 cluster ID mismatch\n"],
    ["of a newer release", { "X-Min-Cluster-Version": "3.0.0" }, "412 incompatible version\n"],
    ["of an older release", { "X-Server-Version": "2.1.3" }, "412 incompatible version\n"],
  ])("a message %s is refused", async (_name, changed, answer) => {
    const message = encode({ type: Heartbeat, to: ids.leader, from: ids.follower, term });

    expect(await post(leader, message, { ...headers, ...changed })).toBe(answer);
  });

  test.each<[string, () => Uint8Array]>([
    ["random bytes", () => Uint8Array.from({ length: 512 }, (_, i) => (i * 151 + 7) % 256)],
    ["a message that is cut off", () => encode({ type: Heartbeat, from: HUGE }).subarray(0, 5)],
    ["an entry that claims to be huge", () => Uint8Array.from([8, 3, 58, ...varint(HUGE), 1, 2, 3])],
    ["a snapshot that claims to be huge", () => Uint8Array.from([8, 7, 74, ...varint(HUGE), 1, 2, 3])],
  ])("%s as a message is refused", async (_name, body) => {
    expect(await post(leader, body())).toBe("400 error unmarshaling raft message\n");
  });

  test("a message of a removed member is refused, so that it stops", async () => {
    const message = encode({ type: Heartbeat, to: ids.leader, from: ids.removed, term });

    expect(await post(leader, message)).toMatch(/^403 .*removed member/);
    const stream = await fetch(`${leader.peerUrl}/raft/stream/message/${ids.removed.toString(16)}`, {
      headers,
    });
    expect(stream.status).toBe(410);
    await stream.body?.cancel();
  });

  test("a stream for nobody known is refused, as is one from another cluster", async () => {
    const stream = `${leader.peerUrl}/raft/stream/msgapp/1234`;
    const answers = await Promise.all([
      fetch(stream, { headers }),
      fetch(stream, { headers: { ...headers, "X-Etcd-Cluster-ID": "1234" } }),
    ]);

    expect(
      await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`)),
    ).toStrictEqual(["404 error sender not found\n", "412 cluster ID mismatch\n"]);
  });

  test("a merged snapshot that claims to be huge is refused", async () => {
    const body = Uint8Array.from([0, 0, 1, 0, 0, 0, 0, 0, 8, 7]);
    const response = await fetch(`${leader.peerUrl}/raft/snapshot`, { method: "POST", headers, body });

    expect(`${response.status} ${await response.text()}`).toMatch(/^400 failed to decode raft message/);
  });

  test("a message that breaks off in the middle of its body does no harm", async () => {
    const { hostname, port } = new URL(leader.peerUrl);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const socket = connect(Number(port), hostname);
    socket.end(
      ["POST /raft HTTP/1.1", "Host: x", ...lines, "Content-Length: 100", "", "\x08\x08"].join("\r\n"),
    );
    await once(socket.resume(), "close");

    expect((await put(leader.clientUrl, "/cut", "x")).value).toBe("x");
  });

  test("a body that is announced as huge is not waited for", async () => {
    const { hostname, port } = new URL(leader.peerUrl);
    const socket = connect(Number(port), hostname).setEncoding("utf8");
    let answer = "";
    socket.on("data", (text: string) => (answer += text));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(
      ["POST /raft HTTP/1.1", "Host: x", ...lines, `Content-Length: ${HUGE}`, "", "some"].join("\r\n"),
    );

    await until("an answer", () => (answer.includes("\r\n") ? true : null));
    socket.destroy();

    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  test.each<[string, () => readonly [Member, WireFields]]>([
    ["entries behind a log to come", () => [follower, forged(App, { index: HUGE, commit: HUGE })]],
    ["an acknowledgement of what was never sent", () => [leader, forged(AppResp, { index: HUGE })]],
    [
      "a second leader of the same term",
      () => [leader, { ...forged(App), to: ids.leader, from: ids.follower }],
    ],
    ["a heartbeat of nobody known", () => [follower, { ...forged(Heartbeat), from: 0x1234n }]],
  ])("%s does no harm", async (_name, make) => {
    const [target, message] = make();

    await post(target, encode({ ...message, to: target === leader ? ids.leader : ids.follower }));

    const written = await until("a write", () => put(leader.clientUrl, "/after", "x", { timeoutMs: 2_000 }));
    const arrived = await until("the write to arrive", async () => {
      const node = await get(follower.clientUrl, "/after");
      return node.modifiedIndex >= written.modifiedIndex ? node : null;
    });
    expect(arrived.value).toBe("x");
  });

  test("after all of this the members run, and have not kept what was announced to them", async () => {
    expect(await memoryOf(leader)).toBeLessThan(memoryBefore + GROWTH_MAX_BYTES);
    expect((await put(follower.clientUrl, "/end", "x")).value).toBe("x");
  });

  test("a commit index above anything the member has acknowledged is refused and logged once, and all goes on", async () => {
    const { pid } = follower.process;
    for (const commit of [HUGE, HUGE + 1n, 10_000_000n]) {
      await post(follower, encode({ ...forged(Heartbeat, { commit }), to: ids.follower }));
    }
    await post(
      follower,
      encode({ ...forged(Heartbeat, { commit: HUGE, term: term + 1n }), to: ids.follower }),
    );

    await follower.process.logged(
      /refused a heartbeat with a commit index that this member has never acknow/,
    );
    expect(follower.process.log.match(/refused a heartbeat/g)).toHaveLength(1);
    const written = await put(leader.clientUrl, "/forged", "x");
    expect(await until("the write to arrive", () => get(follower.clientUrl, "/forged"))).toStrictEqual(
      written,
    );
    const answer = await fetch(`${follower.clientUrl}/v2/keys/`);
    expect(BigInt(answer.headers.get("x-raft-term") ?? "")).toBe(term);
    expect(follower.process.pid).toBe(pid);
  });

  test("in the term of its start it is refused too, as soon as entries of the leader have come", async () => {
    // Before that nobody could tell it from a leader whose entries this disk has lost; etcd panics even later.
    await follower.crash();
    await follower.start();
    const before = await until("a write", () => put(leader.clientUrl, "/again", "x", { timeoutMs: 2_000 }));
    await until("the write to arrive", async () => {
      const node = await get(follower.clientUrl, "/again");
      return node.modifiedIndex >= before.modifiedIndex ? node : null;
    });

    await post(follower, encode({ ...forged(Heartbeat, { commit: HUGE }), to: ids.follower }));

    await follower.process.logged(/refused a heartbeat with a commit index/);
    const written = await put(leader.clientUrl, "/still", "x");
    expect(await until("the write to arrive", () => get(follower.clientUrl, "/still"))).toStrictEqual(
      written,
    );
    expect((await get(follower.clientUrl, "/after")).value).toBe("x");
  });

  test("a peer whose streams claim huge frames, break off or are noise is dialled again and harms nobody", async () => {
    const frames = [
      Buffer.from("000001000000000000000001020304", "hex"), // 2^40 bytes to come
      Buffer.from("ffffffffffffffff0102", "hex"),
      Buffer.from("01ffffffffffffffff", "hex"), // entries of a msgappv2 stream without end
      Buffer.from("0000000000000010080801", "hex"), // cut off
      Buffer.from(Uint8Array.from({ length: 4_096 }, (_, i) => (i * 151 + 7) % 256)),
    ];
    let streamCount = 0;
    await using bad = await newMember("bad");
    await using server = await newMember("good");
    const { hostname, port } = new URL(bad.peerUrl);
    const liar = createServer((request, response) => {
      response.setHeader("X-Server-Version", "2.3.0");
      response.setHeader("X-Etcd-Cluster-ID", String(request.headers["x-etcd-cluster-id"] ?? ""));
      response.end(request.url?.startsWith("/raft/stream/") ? frames[streamCount++ % frames.length] : "");
    }).listen(Number(port), hostname);
    server.spawn([...initialCluster([server, bad]), `--http-engine=${engine}`]);
    await until("its first answer", () => fetch(`${server.clientUrl}/version`));
    const before = await memoryOf(server);

    await until("streams", () => (streamCount >= 4 * frames.length ? true : null));
    liar.closeAllConnections();
    liar.close();

    expect((await fetch(`${server.clientUrl}/version`)).status).toBe(200);
    expect(await memoryOf(server)).toBeLessThan(before + GROWTH_MAX_BYTES);
  });
});

/** A message of the member that the target listens to. */
function forged(type: bigint, fields: Partial<WireFields> = {}): WireFields {
  return { type, from: type === AppResp ? ids.follower : ids.leader, term, ...fields };
}

async function post(
  target: Member,
  body: Uint8Array,
  sent: Readonly<Record<string, string>> = headers,
): Promise<string> {
  const response = await fetch(`${target.peerUrl}/raft`, {
    method: "POST",
    headers: sent,
    body: Uint8Array.from(body),
  });
  return `${response.status} ${await response.text()}`;
}

/** The bytes of a message that claims to know the log as of its own term. */
function encode(fields: WireFields): Uint8Array {
  return encodeWireMessage({ logTerm: fields.term ?? 0n, ...fields });
}

/** Resident memory in bytes. */
async function memoryOf(member: Member): Promise<number> {
  const status = await readFile(`/proc/${member.process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
