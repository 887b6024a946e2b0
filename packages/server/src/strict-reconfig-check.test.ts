// The switch strictReconfigCheck at work; which changes it refuses is in reconfig-check.test.ts.

import { expect, test } from "vitest";
import { loneConfig, startLone, temporaryDirectory } from "./server.test.support.ts";

test("with strictReconfigCheck a change that would cost the quorum is refused and not proposed", async () => {
  await using directory = await temporaryDirectory();
  const { server } = await startLone(loneConfig(directory.path, { strictReconfigCheck: true }));
  const refusal = { code: "E_NOT_ENOUGH_STARTED" };

  await expect(server.removeMember(server.id)).rejects.toMatchObject(refusal);
  await server.addMember(["http://127.0.0.1:3"]);
  const { raftIndex } = server;
  await expect(server.addMember(["http://127.0.0.1:4"])).rejects.toMatchObject(refusal);

  expect(server.raftIndex).toBe(raftIndex);
  expect(server.members()).toHaveLength(2);
  await server.close();
});

test("without it the only member may be removed", async () => {
  await using directory = await temporaryDirectory();
  const { server } = await startLone(loneConfig(directory.path));

  await server.removeMember(server.id);

  expect(server.members()).toEqual([]);
  await server.close();
});
