// kvd as a member of a cluster of etcd 2.3.8 that stands in: the other side says what a real 2.3.8 said on
// the wire, byte by byte, and kvd must answer with the bytes of the member that was recorded. The
// addresses are those of the recordings, since ids are made of them. Spec: peer-protocol.md §14, §15.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts, nextHost } from "./harness/addresses.ts";
import { get, getJson, put } from "./harness/keys.ts";
import { Member } from "./harness/member.ts";
import { messagesOf, readConnection } from "./harness/peer-recording.ts";
import { StandInPeer } from "./harness/stand-in-peer.ts";
import type { Heard } from "./harness/stand-in-peer.ts";
import { until } from "./harness/until.ts";
import { WireType } from "./harness/wire-message.ts";

type HeardMessage = Extract<Heard, { kind: "message" }>;

test("kvd joins a compacted log as B did, follows, leads, and sends a snapshot back", async () => {
  const folder = "peer-v238-join-snapshot";
  const [members, appends, heartbeats, appendsAfter, b, b2, snapshot] = await Promise.all(
    ["00", "01", "02", "04", "07", "11", "09"].map((number) => readConnection(folder, number)),
  );
  if (!members || !appends || !heartbeats || !appendsAfter || !b || !b2 || !snapshot)
    throw new Error("unreachable");
  const recorded = messagesOf(b).concat(messagesOf(b2));
  const answerOf = (type: bigint, index: bigint, reject = false): string => {
    const found = recorded.find((one) => one.type === type && one.index === index && one.reject === reject);
    if (found === undefined) throw new Error(`no answer ${type} at ${index} was recorded`);
    return found.raw;
  };
  const text = Buffer.from(members.answered).toString();
  const [listed = "", versions = ""] = text.split(/(?<=\]\n)/);
  await using a = await StandInPeer.listen({
    id: "cf24673f32ccb42c",
    url: "http://127.0.0.1:22202",
    peerId: "2cd70cf44861eeb1",
    peerUrl: "http://127.0.0.1:22212",
    headers: snapshot.headers,
    answers: { "/members": listed, "/version": versions },
  });
  await using kvd = await memberAt("B", "http://127.0.0.1:22212");
  kvd.spawn([
    "--initial-cluster=A=http://127.0.0.1:22202,B=http://127.0.0.1:22212",
    "--initial-cluster-state=existing",
  ]);
  a.dial();

  // It knows nothing, is told of entry 5371, refuses it, and gets the snapshot.
  a.repeat(heartbeats.answered);
  await a.hearBytes("the answer to a heartbeat", answerOf(WireType.HeartbeatResp, 0n));
  const [, second] = appends.offsets;
  await a.write("msgapp", appends.answered.subarray(0, second));
  await a.hearBytes("the refusal", answerOf(WireType.AppResp, 5370n, true));
  expect(await a.post(snapshot.posted)).toBe(204);
  await a.hearBytes("the snapshot to be there", answerOf(WireType.AppResp, 5297n));

  // All streams are dialled anew; then comes what is behind the snapshot, and what was written later.
  await a.appendStreams(2);
  const { Host: _, "User-Agent": __, "Accept-Encoding": ___, ...dialled } = appends.headers;
  expect(a.dials[0]).toMatchObject(
    Object.fromEntries(Object.entries(dialled).map(([name, value]) => [name.toLowerCase(), value])),
  );
  await a.write("msgapp", appends.answered.subarray(second));
  await a.hear("everything through 5372", accepts(5372n));
  await a.write("msgapp", appendsAfter.answered);
  const last = recorded.filter(({ type }) => type === WireType.AppResp).at(-1)?.index ?? 0n;
  await a.hearBytes("the last answer that B gave", answerOf(WireType.AppResp, last));
  const state = async (key: string): Promise<string | undefined> => (await get(kvd.clientUrl, key)).value;
  expect(await state("/from-b")).toBe("forwarded");
  expect(await state("/from-a")).toBe("1");
  expect(await state("/b2")).toBe("ключ");
  expect((await state("/large"))?.length).toBe(70_000);
  await expect(get(kvd.clientUrl, "/before")).rejects.toThrow(/Key not found/);

  // A falls silent: kvd asks for its vote by the rules of 2.x, and leads.
  a.repeat(null);
  const vote = await a.hear("a vote", isMessage(WireType.Vote));
  expect(vote).toMatchObject({ term: 3n, logTerm: 2n, index: last });
  expect(await a.say({ type: WireType.VoteResp, term: vote.term })).toBe(204);
  const probe = await a.hear("its first append", isMessage(WireType.App));
  expect(probe).toMatchObject({ by: "msgapp", term: vote.term, logTerm: 2n, index: last });

  // A says that it has nothing at all: kvd sends the snapshot as 2.3 does, in an ordinary post.
  await a.say({ type: WireType.AppResp, term: vote.term, index: probe.index, reject: true, rejectHint: 0n });
  const sent = await a.hear("a snapshot", isMessage(WireType.Snap));
  expect(sent.by).toBe("post");
  expect(sent.raw).toContain(Buffer.from('"/0/members/cf24673f32ccb42c').toString("hex"));
  a.follow(vote.term, 5297n);
  await a.say({ type: WireType.AppResp, term: vote.term, index: 5297n });
  const written = await put(kvd.clientUrl, "/by-kvd", "x");
  expect(written.value).toBe("x");
  await a.hear("entries without a header", (heard) => heard.kind === "entries" && heard.count > 0);
  await a.hear("a commit that travels alone", (heard) => heard.kind === "entries" && heard.count === 0);
});

test("kvd votes and follows as C did, and stands for election when its leader falls silent", async () => {
  const folder = "peer-v238-election";
  const [appends, heartbeats, c, vote, granted] = await Promise.all(
    ["02", "03", "13", "14", "04"].map((number) => readConnection(folder, number)),
  );
  if (!appends || !heartbeats || !c || !vote || !granted) throw new Error("unreachable");
  await using a = await StandInPeer.listen({
    id: "430ce7bb90a679c7",
    url: "http://127.0.0.1:22242",
    peerId: "78e70e8ee83d0931",
    peerUrl: "http://127.0.0.1:22262",
    headers: vote.headers,
    answers: {},
  });
  await using kvd = await memberAt("C", "http://127.0.0.1:22262");
  const urls = ["A=http://127.0.0.1:22242", "B=http://127.0.0.1:22252", "C=http://127.0.0.1:22262"];
  kvd.spawn([`--initial-cluster=${urls.join(",")}`, "--election-timeout=2000"]);
  a.dial();

  await until("the request for a vote to be taken", async () =>
    (await a.post(vote.posted)) === 204 ? true : null,
  );
  await a.hearBytes("the vote", Buffer.from(granted.posted).toString("hex"));
  await a.write("msgapp", appends.answered);
  const answers = messagesOf(c).filter(({ type, index }) => type === WireType.AppResp && index > 4n);
  const last = answers.at(-1);
  await a.hearBytes("the last answer that C gave", last?.raw ?? "");
  a.repeat(heartbeats.answered);
  for (const n of [0, 1, 2, 3, 4]) expect((await get(kvd.clientUrl, `/e/${n}`)).value).toBe(`v${n}`);
  const { members } = await getJson<{ members: readonly { id: string; name: string }[] }>(
    `${kvd.clientUrl}/v2/members`,
  );
  expect(members.map(({ id, name }) => `${id} ${name}`)).toStrictEqual([
    "430ce7bb90a679c7 A",
    "78e70e8ee83d0931 C",
    "ef94b304552b6b4f B",
  ]);

  a.repeat(null);
  const asked = await a.hear("a vote", isMessage(WireType.Vote));
  expect(asked).toMatchObject({ term: 3n, logTerm: 2n, index: last?.index });
  a.follow(asked.term, asked.index);
  await a.say({ type: WireType.VoteResp, term: asked.term });
  expect((await put(kvd.clientUrl, "/e/6", "v6")).value).toBe("v6");
  expect(a.heard.some((heard) => heard.kind === "message" && heard.type > WireType.HeartbeatResp)).toBe(
    false,
  );
});

function isMessage(type: bigint): (heard: Heard) => heard is HeardMessage {
  return (heard): heard is HeardMessage => heard.kind === "message" && heard.type === type;
}

/** An acknowledgement of everything through `index`. */
function accepts(index: bigint): (heard: Heard) => boolean {
  return (heard) =>
    heard.kind === "message" && heard.type === WireType.AppResp && !heard.reject && heard.index === index;
}

async function memberAt(name: string, peerUrl: string): Promise<Member> {
  const host = nextHost();
  const [client] = await freePorts(host, 1);
  return new Member({
    name,
    dir: await mkdtemp(join(tmpdir(), "kvd-test-")),
    clientUrl: `http://${host}:${client}`,
    peerUrl,
  });
}
