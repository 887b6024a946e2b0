import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { recordingLogger } from "./recording-logger.test.support.ts";
import { clusterFromSrv } from "./srv.ts";

const TYPE_A = 1;
const TYPE_SRV = 33;
const NAME_ERROR = 3;

/** What the DNS knows: by name, addresses or `port target`. */
type Zone = Readonly<Record<string, { readonly a?: readonly string[]; readonly srv?: readonly string[] }>>;

let zone: Zone;
let socket: Socket;
let resolver: Resolver;
let log: string[];

beforeEach(async () => {
  log = [];
  socket = createSocket("udp4");
  socket.on("message", (query, from) => socket.send(answer(query), from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
});

afterEach(() => {
  socket.close();
});

/** The answer to a query with one question (RFC 1035 §4.1). */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const entry = zone[labels.join(".").toLowerCase()];
  const records =
    type === TYPE_A
      ? (entry?.a ?? []).map((address) => Buffer.from(address.split(".").map(Number)))
      : type === TYPE_SRV
        ? (entry?.srv ?? []).map(srvData)
        : [];
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8580 | (entry === undefined ? NAME_ERROR : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const question = query.subarray(12, at + 5);
  return Buffer.concat([head, question, ...records.map((data) => record(type, data))]);
}

function record(type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0); // the name of the question
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(60, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

function srvData(text: string): Buffer {
  const [port = "", target = ""] = text.split(" ");
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(Number(port), 4);
  const labels = target
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([fixed, ...labels, Buffer.alloc(1)]);
}

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
  zone = TWO_MEMBERS;

  expect(asSet(await find("s1", "http://s1.example.test:22801"))).toStrictEqual(
    new Set(["s1=http://s1.example.test:22801", "0=http://s2.example.test:22811"]),
  );
  expect(log).toContain("N got bootstrap from DNS for _etcd-server at http://s1.example.test:22801");
});

test("an advertised address counts as the name that resolves to it, on the same port only", async () => {
  zone = TWO_MEMBERS;

  expect(await find("s2", "http://127.0.0.2:22811")).toContain("s2=http://s2.example.test:22811");
  expect(await find("s2", "http://127.0.0.2:1")).not.toContain("s2=");
});

test("records for https come first and make https URLs", async () => {
  zone = { ...TWO_MEMBERS, "_etcd-server-ssl._tcp.example.test": { srv: ["443 s1.example.test"] } };

  expect((await find("s2", "http://s2.example.test:22811")).split(",")[0]).toBe(
    "0=https://s1.example.test:443",
  );
});

test("a target that cannot be resolved is left out with a warning", async () => {
  zone = { ...TWO_MEMBERS, "s2.example.test": {} };

  expect(await find("s1", "http://s1.example.test:22801")).toBe("s1=http://s1.example.test:22801");
  expect(log).toContain("W couldn't resolve host s2.example.test:22811 during SRV discovery");
});

describe("failures", () => {
  test("no records of either kind", async () => {
    zone = { "s1.example.test": { a: ["127.0.0.1"] } };

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
    zone = TWO_MEMBERS;

    await expect(find("x", "http://x.invalid:1")).rejects.toMatchObject({ code: "E_CLUSTER" });
    expect(log).toStrictEqual(["E couldn't resolve host x.invalid:1 during SRV discovery"]);
  });
});
