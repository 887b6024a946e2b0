// One member of three is left: what it still answers, and how it refuses the rest (client-api.md §16).

import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { getJson, keys, put, request } from "./harness/keys.ts";
import { until } from "./harness/until.ts";

test("a member without a quorum reads from memory, says that it is not healthy and never claims a write", async () => {
  await using cluster = await startCluster(3);
  const leader = await cluster.leader();
  const [left, other] = cluster.others(leader);
  if (left === undefined || other === undefined) throw new Error("not three members");
  const written = await put(leader.clientUrl, "/kept", "1");
  await until("the write to arrive", async () =>
    (await keys("GET", left.clientUrl, "/kept")).status === 200 ? true : null,
  );
  const at = (path: string): Promise<Response> => request("GET", `${left.clientUrl}${path}`);

  await Promise.all([leader.crash(), other.crash()]);
  await until("the loss to be noticed", async () =>
    (await at("/v2/members/leader")).status === 503 ? true : null,
  );

  expect(await (await at("/v2/members/leader")).json()).toEqual({ message: "During election" });
  expect((await keys("GET", left.clientUrl, "/kept")).body.node).toMatchObject({ ...written });
  expect((await getJson<{ members: unknown[] }>(`${left.clientUrl}/v2/members`)).members).toHaveLength(3);
  expect((await at("/version")).status).toBe(200);
  expect((await at("/v2/stats/store")).status).toBe(200);
  expect((await at("/v2/stats/leader")).status).toBe(403);
  const health = await at("/health");
  expect([health.status, await health.text()]).toEqual([503, '{"health": "false"}\n']);
  const refusals = await Promise.all([
    keys("PUT", left.clientUrl, "/lost", { form: { value: "1" } }),
    keys("DELETE", left.clientUrl, "/kept"),
    keys("GET", left.clientUrl, "/kept?quorum=true"),
  ]);
  for (const { status, body } of refusals) {
    expect(status).toBe(500);
    expect(body).toMatchObject({ errorCode: 300, message: "Raft Internal Error", index: 0 });
    expect(body.cause).toMatch(/^etcdserver: request timed out/);
  }
  expect((await keys("GET", left.clientUrl, "/lost")).status).toBe(404);

  await leader.start();
  expect((await put(left.clientUrl, "/again", "1")).value).toBe("1");
  expect((await keys("GET", left.clientUrl, "/kept")).status).toBe(200);
});
