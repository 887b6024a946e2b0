import { Resolver } from "node:dns/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NameServer } from "./name-server.test.support.ts";
import type { Zone } from "./name-server.test.support.ts";
import { recordingLogger } from "./recording-logger.test.support.ts";
import { clusterFromSrv } from "./srv.ts";

let server: NameServer;
let resolver: Resolver;
let log: string[];

beforeEach(async () => {
  log = [];
  server = await NameServer.start();
  resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([server.address]);
});

afterEach(() => {
  server[Symbol.dispose]();
});

function find(name: string, ...advertisePeerUrls: string[]): Promise<string> {
  return clusterFromSrv({ domain: "example.test", name, advertisePeerUrls }, resolver, recordingLogger(log));
}

const TWO_MEMBERS: Zone = {
  "_etcd-server._tcp.example.test": { srv: ["22811 s2.example.test", "22801 s1.example.test"] },
  "s1.example.test": { a: ["127.0.0.1"] },
  "s2.example.test": { a: ["127.0.0.2"] },
};

/** The names in the order of their numbers do not depend on the order in which the DNS answers. */
function asSet(cluster: string): ReadonlySet<string> {
  return new Set(cluster.split(","));
}

test("the own member goes by its name, the others by numbers; addresses are as the records name them", async () => {
  server.zone = TWO_MEMBERS;

  expect(asSet(await find("s1", "http://s1.example.test:22801"))).toStrictEqual(
    new Set(["s1=http://s1.example.test:22801", "0=http://s2.example.test:22811"]),
  );
  expect(log).toContain("N got bootstrap from DNS for _etcd-server at http://s1.example.test:22801");
});

test("an advertised address counts as the name that resolves to it, on the same port only", async () => {
  server.zone = TWO_MEMBERS;

  expect(await find("s2", "http://127.0.0.2:22811")).toContain("s2=http://s2.example.test:22811");
  expect(await find("s2", "http://127.0.0.2:1")).not.toContain("s2=");
});

test("records for https come first and make https URLs", async () => {
  server.zone = { ...TWO_MEMBERS, "_etcd-server-ssl._tcp.example.test": { srv: ["443 s1.example.test"] } };

  expect((await find("s2", "http://s2.example.test:22811")).split(",")[0]).toBe(
    "0=https://s1.example.test:443",
  );
});

test("a target that cannot be resolved is left out with a warning", async () => {
  server.zone = { ...TWO_MEMBERS, "s2.example.test": {} };

  expect(await find("s1", "http://s1.example.test:22801")).toBe("s1=http://s1.example.test:22801");
  expect(log).toContain("W couldn't resolve host s2.example.test:22811 during SRV discovery");
});

describe("failures", () => {
  test("no records of either kind", async () => {
    server.zone = { "s1.example.test": { a: ["127.0.0.1"] } };

    await expect(find("s1", "http://s1.example.test:22801")).rejects.toMatchObject({
      code: "E_CLUSTER",
      message:
        "error setting up initial cluster: error querying DNS SRV records for _etcd-server lookup _etcd-server._tcp.example.test: no such host",
    });
    expect(log).toStrictEqual([
      "W error querying DNS SRV records for _etcd-server-ssl lookup _etcd-server-ssl._tcp.example.test: no such host",
      "W error querying DNS SRV records for _etcd-server lookup _etcd-server._tcp.example.test: no such host",
      "E SRV discovery failed: too many errors querying DNS SRV records",
    ]);
  });

  test("an own address that cannot be resolved", async () => {
    server.zone = TWO_MEMBERS;

    await expect(find("x", "http://x.invalid:1")).rejects.toMatchObject({ code: "E_CLUSTER" });
    expect(log).toStrictEqual(["E couldn't resolve host x.invalid:1 during SRV discovery"]);
  });
});
