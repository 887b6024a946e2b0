// Members come, go and move while clients write. With KV_CHURN=full the cluster has five members and every
// one of them is replaced (`pnpm --filter kvd run test:churn`); otherwise three, and one is.

import process from "node:process";
import { expect, test } from "vitest";
import { freePorts, nextHost } from "./harness/addresses.ts";
import { keys, put } from "./harness/keys.ts";
import { addMember, memberIds, removeMember, updatePeerUrl } from "./harness/members.ts";
import { initialCluster, newMember } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { until } from "./harness/until.ts";
import { WriteLoad } from "./harness/write-load.ts";

const IS_FULL = process.env["KV_CHURN"] === "full";
const SIZE = IS_FULL ? 5 : 3;
const REPLACED_COUNT = IS_FULL ? SIZE : 1;
const TIMEOUT_MS = 180_000;
const WRITERS = 4;
const WRITES_BETWEEN = 40;
const ENDED_WELL = { code: 0, signal: null };

test(
  `a cluster grows from one member to ${SIZE} and shrinks to one under load, and no write is lost`,
  { timeout: TIMEOUT_MS },
  async () => {
    await using stack = new AsyncDisposableStack();
    const all = await newMembers(stack, SIZE);
    const [first, ...others] = all;
    const load = await startWithLoad(first, all);

    const running = [first];
    for (const member of others) {
      await join(running, member);
      running.push(member);
      await load.more(WRITES_BETWEEN);
    }
    const last = others.at(-1) ?? first;
    await move(first, last);
    await load.more(WRITES_BETWEEN);

    // The one that everybody else was told of goes first, and it is not there to hear of it.
    await first.crash();
    await load.more(WRITES_BETWEEN);
    await leave(others[0] ?? first, first);
    expect(await first.spawn().exit()).toStrictEqual(ENDED_WELL);
    await load.more(WRITES_BETWEEN);
    for (const member of others.slice(0, -1)) {
      await leave(last, member);
      expect(await member.process.exit()).toStrictEqual(ENDED_WELL);
      expect(await member.spawn().exit()).toStrictEqual(ENDED_WELL);
      await load.more(WRITES_BETWEEN);
    }
    await load.stop();

    expect([...(await memberIds(last.clientUrl)).keys()]).toEqual([last.name]);
    expect(await load.differences(last.clientUrl)).toStrictEqual([]);
  },
);

test(
  `of ${SIZE} members ${REPLACED_COUNT} are killed, removed and replaced in turn, and all hold the same in the end`,
  { timeout: TIMEOUT_MS },
  async () => {
    await using stack = new AsyncDisposableStack();
    const all = await newMembers(stack, SIZE + REPLACED_COUNT);
    const running = all.slice(0, SIZE);
    await Promise.all(running.map((member) => member.start(initialCluster(running))));
    const load = new WriteLoad(
      all.map((member) => member.clientUrl),
      WRITERS,
    );
    await load.more(WRITES_BETWEEN);

    for (const replacement of all.slice(SIZE)) {
      const [victim, ...rest] = running.splice(0);
      const [asked] = rest;
      if (victim === undefined || asked === undefined) throw new Error("no members");
      await victim.crash();
      await load.more(WRITES_BETWEEN);
      await leave(asked, victim);
      await join(rest, replacement);
      running.push(...rest, replacement);
      await load.more(WRITES_BETWEEN);
    }
    await load.stop();

    const [first] = running;
    const { modifiedIndex } = await put(first?.clientUrl ?? "", "/last", "x");
    const trees = await Promise.all(running.map((member) => treeAt(member, modifiedIndex)));
    for (const tree of trees) expect(tree).toStrictEqual(trees[0]);
    for (const member of running) {
      expect(await load.differences(member.clientUrl), `seen by ${member.name}`).toStrictEqual([]);
    }
  },
);

async function newMembers(
  stack: AsyncDisposableStack,
  count: number,
): Promise<readonly [Member, ...Member[]]> {
  const first = stack.use(await newMember("m1"));
  const others: Member[] = [];
  for (let n = 2; n <= count; n++) others.push(stack.use(await newMember(`m${n}`)));
  return [first, ...others];
}

async function startWithLoad(first: Member, all: readonly Member[]): Promise<WriteLoad> {
  await first.start(initialCluster([first]));
  const load = new WriteLoad(
    all.map((member) => member.clientUrl),
    WRITERS,
  );
  await load.more(WRITES_BETWEEN);
  return load;
}

/** Adds a member to those that run, and starts it. */
async function join(running: readonly Member[], member: Member): Promise<void> {
  const [asked] = running;
  if (asked === undefined) throw new Error("nobody to ask");
  await until("the addition", () => addMember(asked.clientUrl, member.peerUrl).then(() => true));
  await member.start([...initialCluster([...running, member]), "--initial-cluster-state", "existing"]);
}

async function leave(asked: Member, member: Member): Promise<void> {
  const id = (await memberIds(asked.clientUrl)).get(member.name);
  if (id === undefined) throw new Error(`${member.name} is no member`);
  await removeMember(asked.clientUrl, id);
}

/** Gives a member another peer address: the cluster is told first, then it is restarted there. */
async function move(asked: Member, member: Member): Promise<void> {
  const host = nextHost();
  const [port] = await freePorts(host, 1);
  const peerUrl = `http://${host}:${port}`;
  const id = (await memberIds(asked.clientUrl)).get(member.name) ?? "";
  await updatePeerUrl(asked.clientUrl, id, peerUrl);
  await member.process.kill("SIGTERM");
  await member.start(["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl]);
}

/** All keys of a member that has applied everything up to a store index. */
function treeAt(member: Member, etcdIndex: number): Promise<unknown> {
  return until(`${member.name} to catch up`, async () => {
    const answer = await keys("GET", member.clientUrl, "/?recursive=true&sorted=true");
    return answer.etcdIndex >= etcdIndex ? answer.body.node : null;
  });
}
