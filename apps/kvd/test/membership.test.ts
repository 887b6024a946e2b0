// Members that come and go while the cluster runs. Spec: cluster.md §5, §9.

import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { get, getJson, postJson, put, request } from "./harness/keys.ts";
import { initialCluster, newMember, startSingle } from "./harness/member.ts";
import { until } from "./harness/until.ts";

interface Members {
  readonly members: readonly { readonly id: string; readonly name: string }[];
}

test("a member that is added joins with all data and takes writes", async () => {
  await using first = await startSingle();
  await put(first.clientUrl, "/before", "1");
  await using second = await newMember("second");

  await postJson(`${first.clientUrl}/v2/members`, { peerURLs: [second.peerUrl] });
  await second.start([...initialCluster([first, second]), "--initial-cluster-state", "existing"]);

  await until("the data to arrive", () => get(second.clientUrl, "/before"));
  const written = await put(second.clientUrl, "/through-second", "2");
  expect(await until("the write to arrive", () => get(first.clientUrl, "/through-second"))).toStrictEqual(
    written,
  );
  const { members } = await getJson<Members>(`${first.clientUrl}/v2/members`);
  expect(members.map(({ name }) => name).toSorted()).toStrictEqual(["second", "single"]);
});

test("a member that is removed ends with status 0, and does so again when it is started again", async () => {
  await using cluster = await startCluster(3);
  const leader = await cluster.leader();
  const [removed] = cluster.others(leader);
  if (removed === undefined) throw new Error("no follower");
  const { members } = await getJson<Members>(`${leader.clientUrl}/v2/members`);
  const id = members.find(({ name }) => name === removed.name)?.id;

  const answer = await request("DELETE", `${leader.clientUrl}/v2/members/${id}`);

  expect(answer.status).toBe(204);
  expect(await removed.process.exit()).toStrictEqual({ code: 0, signal: null });
  expect(removed.process.log).toContain(
    " E | etcdserver: the member has been permanently removed from the cluster\n",
  );
  expect(removed.process.log).toContain(
    " I | etcdserver: the data-dir used by this member must be removed.\n",
  );
  expect(await removed.spawn().exit()).toStrictEqual({ code: 0, signal: null });
  expect((await put(leader.clientUrl, "/after", "x")).value).toBe("x");
});

test("with --strict-reconfig-check a change that would cost the quorum is refused at once", async () => {
  await using first = await startSingle(["--strict-reconfig-check"]);
  const { members } = await getJson<Members>(`${first.clientUrl}/v2/members`);
  const add = (peerUrl: string) => postJson(`${first.clientUrl}/v2/members`, { peerURLs: [peerUrl] });

  const removal = await request("DELETE", `${first.clientUrl}/v2/members/${members[0]?.id}`);
  await add("http://127.0.0.1:3"); // one may grow to two: there is no other way

  expect([removal.status, await removal.text()]).toStrictEqual([500, '{"message":"Internal Server Error"}']);
  await expect(add("http://127.0.0.1:4")).rejects.toThrow(
    /was answered 500: \{"message":"Internal Server Error"\}/,
  );
});

test("a member that lists other members than the cluster has is refused", async () => {
  await using first = await startSingle();
  await using second = await newMember("second");

  const process = second.spawn([...initialCluster([first, second]), "--initial-cluster-state", "existing"]);

  expect(await process.exit()).toStrictEqual({ code: 1, signal: null });
  expect(process.log).toMatch(/ C \| etcdmain: error validating peerURLs .*: member count is unequal\n/);
});
