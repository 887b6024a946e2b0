import { expect, test } from "vitest";
import { clientHandler } from "./client-handler.ts";
import { bodyOf, fakeRequest, headerOf } from "./testing/fake-request.ts";
import { fakeProcess } from "./testing/fake-process.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

const now = () => 0n;

test("each variable has a line of its own, in the order of the names", async () => {
  const server = new MemoryServer(now);
  const handler = clientHandler(server, { now, logger: silentLogger, process: fakeProcess() });

  const response = await handler(fakeRequest("GET", "/debug/vars"));

  expect(headerOf(response, "Content-Type")).toBe("application/json; charset=utf-8");
  expect(await bodyOf(response)).toBe(
    '{\n"cmdline": ["kvd","--name","<one>"],\n"file_descriptor_limit": 1024,\n"memstats": {"heapUsed":1},\n' +
      '"raft.status": {"id":"8e9e05c52164694d","term":2,"vote":"8e9e05c52164694d","commit":4,"lead":"8e9e05c52164694d",' +
      '"raftState":"StateLeader","progress":{"8e9e05c52164694d":{"match":4,"next":5,"state":"ProgressStateReplicate"}}}\n}\n',
  );
});

test.each(["/metrics", "/debug/vars", "/config/local/log"])(
  "without a process around the member there is no %s",
  async (path) => {
    const handler = clientHandler(new MemoryServer(now), { now, logger: silentLogger });

    expect(await handler(fakeRequest("GET", path))).toMatchObject({ status: 404 });
  },
);
