import { expect, test } from "vitest";
import { clientHandler } from "./client-handler.ts";
import { KeyMetrics } from "./key-metrics.ts";
import { fakeRequest } from "./testing/fake-request.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

async function countsOf(requests: readonly (readonly [method: string, url: string])[]) {
  const metrics = new KeyMetrics();
  const handler = clientHandler(new MemoryServer(now), { now, logger: silentLogger, metrics });
  for (const [method, url] of requests) await handler(fakeRequest(method, `/v2/keys${url}`));
  return Object.entries(metrics.byMethod)
    .filter(([, counts]) => counts.received > 0)
    .map(([method, { received, failed, durations }]) => ({
      method,
      received,
      failed: [...failed],
      timed: durations.counts.reduce((a, b) => a + b),
    }));
}

const now = () => 0n;

test("requests are counted by method, refusals by status, and only successes are timed", async () => {
  const counts = await countsOf([
    ["PUT", "/a?value=1"],
    ["PUT", "/a?value=2&prevValue=3"],
    ["PUT", "/a/b?value=2"],
    ["GET", "/a"],
    ["GET", "/a?quorum=true"],
    ["GET", "/none?quorum=true"],
    ["HEAD", "/none"],
    ["DELETE", "/a"],
  ]);

  expect(counts).toStrictEqual([
    { method: "GET", received: 1, failed: [], timed: 1 },
    { method: "QGET", received: 2, failed: [[404, 1]], timed: 1 },
    { method: "HEAD", received: 1, failed: [[404, 1]], timed: 0 },
    {
      method: "PUT",
      received: 3,
      failed: [
        [412, 1],
        [400, 1],
      ],
      timed: 1,
    },
    { method: "DELETE", received: 1, failed: [], timed: 1 },
  ]);
});

test("watches and requests that cannot be read are not counted", async () => {
  expect(
    await countsOf([
      ["GET", "/a?wait=true"],
      ["PUT", "/a?ttl=soon"],
      ["PATCH", "/a"],
    ]),
  ).toStrictEqual([]);
});
