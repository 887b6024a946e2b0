// Ten thousand clients that wait for one key (client-api.md §9).

import { expect, test } from "vitest";
import { getJson, keys, put } from "./harness/keys.ts";
import { startCluster } from "./harness/cluster.ts";
import { until } from "./harness/until.ts";
import { openWatchers } from "./harness/watchers.ts";

const WATCHERS = 10_000;
const LEAVING = 500;

async function waiting(baseUrl: string): Promise<number> {
  return (await getJson<{ watchers: number }>(`${baseUrl}/v2/stats/store`)).watchers;
}

test("10,000 waiting clients all get the event, those that left are forgotten, and the next write finds nobody", async () => {
  await using cluster = await startCluster(1);
  const { clientUrl } = await cluster.leader();
  using watchers = await openWatchers(clientUrl, "/news", WATCHERS, { needed: WATCHERS - LEAVING });
  expect(await waiting(clientUrl)).toBe(WATCHERS);

  watchers.hangUp(LEAVING);
  await until("the watchers that left are gone", async () =>
    (await waiting(clientUrl)) === WATCHERS - LEAVING ? true : null,
  );
  const written = await put(clientUrl, "/news", "here");

  await watchers.delivered;
  expect(await waiting(clientUrl)).toBe(0);
  expect((await keys("GET", clientUrl, "/news")).body.node).toMatchObject({ value: "here", ...written });
});
