import { expect, test } from "vitest";
import { srvEndpoints } from "./srv.ts";
import type { ResolveSrv } from "./srv.ts";

test("the client services of the domain become endpoints, https first", async () => {
  const records: Record<string, { name: string; port: number }[]> = {
    "_etcd-client-ssl._tcp.example.test": [{ name: "s1.example.test", port: 2379 }],
    "_etcd-client._tcp.example.test": [{ name: "p1.example.test.", port: 4001 }],
  };
  const resolve: ResolveSrv = (name) =>
    Promise.resolve((records[name] ?? []).map((r) => ({ ...r, priority: 0, weight: 0 })));

  expect(await srvEndpoints("example.test", resolve)).toEqual([
    "https://s1.example.test:2379",
    "http://p1.example.test:4001",
  ]);
});

const resolvePlainOnly: ResolveSrv = async (name) => {
  if (name.includes("-ssl")) throw new Error("querySrv ENOTFOUND");
  return [{ name: "p1", port: 1, priority: 0, weight: 0 }];
};

const resolveNothing: ResolveSrv = (name) => Promise.reject(new Error(`querySrv ENOTFOUND ${name}`));

test("a domain of which neither service can be looked up has no endpoints, and no others are asked", async () => {
  await expect(srvEndpoints("gone.test", resolveNothing)).rejects.toMatchObject({
    code: "E_COMMAND",
    exitCode: 1,
    message:
      "Error:  no endpoints of gone.test: Error: querySrv ENOTFOUND _etcd-client-ssl._tcp.gone.test; " +
      "Error: querySrv ENOTFOUND _etcd-client._tcp.gone.test",
  });
});

test("a service that cannot be looked up lists nothing", async () => {
  expect(await srvEndpoints("example.test", resolvePlainOnly)).toEqual(["http://p1:1"]);
});
