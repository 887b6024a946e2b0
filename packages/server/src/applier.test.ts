import { beforeEach, expect, test, vi } from "vitest";
import {
  ConfChangeType,
  EntryType,
  NONE,
  parseNodeId,
  type ConfChange,
  type Entry,
  type NodeId,
} from "@kv/raft";
import { Store } from "@kv/store";
import { Applier } from "./applier.ts";
import { RELEASE } from "./config.ts";
import { Cluster } from "./cluster.ts";
import { IdGenerator } from "./id-generator.ts";
import { encodeMemberContext, newMember } from "./member.ts";
import { encodeRequest } from "./request-codec.ts";
import { newRequest, type Request } from "./request.ts";
import type { Member, Result } from "./server-api.ts";
import { Wait } from "./wait.ts";

const [A, B] = ["a", "b"].map(parseNodeId) as [NodeId, NodeId];

/** One replica without raft: entries go in, the store and who was told come out. */
class Replica {
  readonly store = new Store({ namespaces: ["/0", "/1"], now: () => 0n });
  readonly told: string[] = [];
  readonly versions: string[] = [];
  readonly cluster = new Cluster(parseNodeId("c"), this.store, {
    onVersion: (version) => this.versions.push(version),
    ownVersion: RELEASE.version,
    forgetsNewerVersions: false,
  });
  readonly ids = new IdGenerator(A, 1);
  readonly requests = new Wait<Request, Result>();
  readonly confChanges = new Map<string, (outcome: unknown) => void>();
  readonly applier = new Applier(
    {
      store: this.store,
      cluster: this.cluster,
      ids: this.ids,
      requests: this.requests,
      confChanges: this.confChanges,
      members: {
        memberAdded: (member) => this.told.push(`added ${member.id}`),
        memberUpdated: (member) => this.told.push(`updated ${member.id} ${member.peerUrls.join(",")}`),
        memberRemoved: (id) => this.told.push(`removed ${id}`),
      },
      onForeignEntry: (index) => this.told.push(`foreign ${index}`),
    },
    { index: 0, term: 0 },
  );
  #index = 0;

  apply(request: Partial<Request> & Pick<Request, "method" | "path">): void {
    this.applyData(encodeRequest({ ...newRequest(request.method, request.path), ...request }));
  }

  applyData(data: Uint8Array | null): void {
    this.applier.apply([this.#entry(EntryType.Normal, data)]);
  }

  change(change: Partial<ConfChange> & Pick<ConfChange, "type" | "nodeId">): ConfChange {
    this.applier.apply([this.#entry(EntryType.ConfChange, new Uint8Array(1))]);
    return this.applier.applyConfChange({ id: "0", context: null, ...change });
  }

  add(member: Member): ConfChange {
    return this.change({
      type: ConfChangeType.AddNode,
      nodeId: member.id,
      context: encodeMemberContext(member),
    });
  }

  value(path: string): string | null {
    return this.store.get(path, { recursive: false, sorted: false }).node.value;
  }

  #entry(type: EntryType, data: Uint8Array | null): Entry {
    return { type, term: 1, index: ++this.#index, data };
  }
}

const FILE = { dir: false, value: "v", expiration: null, refresh: false };

let replica: Replica;
beforeEach(() => {
  replica = new Replica();
});

test.each<[string, Partial<Request>, string]>([
  ["no condition", {}, "set"],
  ["prevExist false", { prevExist: false }, "Key already exists"],
  ["prevExist true", { prevExist: true }, "update"],
  ["prevIndex", { prevIndex: 1 }, "compareAndSwap"],
  ["prevValue", { prevValue: "old" }, "compareAndSwap"],
  ["prevExist true with prevIndex", { prevExist: true, prevIndex: 1 }, "compareAndSwap"],
  ["prevExist false with prevValue", { prevExist: false, prevValue: "old" }, "Key already exists"],
])("a PUT with %s is the operation that etcd 2.3 chooses", async (_name, fields, outcome) => {
  replica.apply({ method: "PUT", path: "/1/k", val: "old" });
  const request = { ...newRequest("PUT", "/1/k"), ...fields };
  const suffix = replica.ids.nextSuffix();
  request.idHigh = replica.ids.high(suffix);
  request.idLow = suffix;
  const answer = replica.requests.register(suffix, request, 0);

  replica.applyData(encodeRequest(request));

  const got = await answer.then(
    (result) => result.event?.action,
    (error: unknown) => (error instanceof Error ? error.message : error),
  );
  expect(got).toBe(outcome);
  expect(replica.requests.size).toBe(0);
});

test.each<[string, Partial<Request>, number]>([
  ["a delete", { method: "DELETE" }, 2],
  ["a compare-and-delete that fails", { method: "DELETE", prevValue: "other" }, 1],
  ["a read through the log", { method: "QGET" }, 1],
  ["a clock that expires nothing", { method: "SYNC", time: 5n }, 1],
  ["an in-order key", { method: "POST" }, 1],
])("%s moves the store index as etcd does", (_name, fields, index) => {
  replica.apply({ method: "PUT", path: "/1/k", val: "v" });

  replica.apply({ method: "PUT", path: "/1/k", ...fields });

  expect(replica.store.index).toBe(index);
  expect(replica.applier.index).toBe(2);
});

test("reads that share an entry see the store at its place, whatever comes behind it", async () => {
  replica.apply({ method: "PUT", path: "/1/k", val: "before" });
  const suffix = replica.ids.nextSuffix();
  const request = newRequest("QGET", "/1/missing");
  request.idHigh = replica.ids.high(suffix);
  request.idLow = suffix;
  const missing = replica.requests.register(suffix, request, 0);
  const noted = expect(missing).rejects.toMatchObject({ errorCode: 100 });
  const there = replica.requests.join(suffix, newRequest("QGET", "/1/k"), 0);

  replica.applyData(encodeRequest(request));
  replica.apply({ method: "PUT", path: "/1/k", val: "after" });

  await noted;
  expect((await there).event?.node.value).toBe("before");
  expect(replica.requests.size).toBe(0);
});

test("a read that nobody here waits for is counted and not carried out", () => {
  for (let i = 0; i < 2_000; i++) replica.store.set(`/1/d/${i}`, FILE);
  const read = vi.spyOn(replica.store, "read");

  replica.apply({ method: "QGET", path: "/1/d" });
  replica.apply({ method: "QGET", path: "/1/missing" });

  expect(read).not.toHaveBeenCalled();
  expect(replica.store.stats()).toMatchObject({ getsSuccess: 1, getsFail: 1 });
});

test("a read of a large directory is a listing of its place in the log", async () => {
  for (let i = 0; i < 2_000; i++) replica.store.set(`/1/d/${i}`, FILE);
  const suffix = replica.ids.nextSuffix();
  const request = newRequest("QGET", "/1/d");
  request.idHigh = replica.ids.high(suffix);
  request.idLow = suffix;
  const answer = replica.requests.register(suffix, request, 0);

  replica.applyData(encodeRequest(request));
  replica.apply({ method: "PUT", path: "/1/k", val: "after" });

  const { event, listing } = await answer;
  expect(event).toBeNull();
  expect(listing).toMatchObject({ path: "/1/d", index: 2_000 });
  listing?.close();
});

test("an entry without data only moves the raft index", () => {
  replica.applyData(null);
  replica.applyData(new Uint8Array());

  expect(replica.applier.index).toBe(2);
  expect(replica.store.index).toBe(0);
});

test("an entry of the v3 API is skipped and reported", () => {
  replica.applyData(new Uint8Array([0x08, 0x07, 0x1a, 0x02, 0x0a, 0x00]));

  expect(replica.told).toEqual(["foreign 1"]);
  expect(replica.store.index).toBe(0);
});

test("a gap between entries is a broken invariant", () => {
  replica.applyData(null);

  expect(() => replica.applier.apply([{ type: EntryType.Normal, term: 1, index: 3, data: null }])).toThrow(
    "without gaps",
  );
});

test("members come, publish themselves, move and go, at etcd's store indexes", () => {
  replica.add(newMember(A, ["http://a:1"]));
  expect(replica.store.index).toBe(1);
  expect(replica.value("/0/members/a/raftAttributes")).toBe('{"peerURLs":["http://a:1"]}');

  replica.apply({
    method: "PUT",
    path: "/0/members/a/attributes",
    val: '{"name":"n","clientURLs":["http://a:2"]}',
  });
  expect(replica.cluster.members()).toEqual([
    { id: "a", name: "n", peerUrls: ["http://a:1"], clientUrls: ["http://a:2"] },
  ]);

  const context = encodeMemberContext(newMember(A, ["http://a:9"]));
  replica.change({ type: ConfChangeType.UpdateNode, nodeId: A, context });
  expect(replica.cluster.member(A)).toMatchObject({ name: "n", peerUrls: ["http://a:9"] });
  expect(replica.store.index).toBe(3);

  replica.change({ type: ConfChangeType.RemoveNode, nodeId: A });
  expect(replica.store.index).toBe(5); // the member goes, the memory of its removal comes
  expect(replica.cluster.isRemoved(A)).toBe(true);
  expect(replica.told).toEqual(["added a", "updated a http://a:9", "removed a"]);
});

test.each<[string, () => ConfChange, string]>([
  ["an id that is there", () => replica.add(newMember(A, ["http://x:1"])), "E_ID_EXISTS"],
  [
    "a peer URL that is taken",
    () => replica.add(newMember(parseNodeId("d"), ["http://a:1"])),
    "E_PEER_URL_EXISTS",
  ],
  ["an id that was removed", () => replica.add(newMember(B, ["http://b:1"])), "E_ID_REMOVED"],
  [
    "the removal of nobody",
    () => replica.change({ type: ConfChangeType.RemoveNode, nodeId: parseNodeId("e") }),
    "E_ID_NOT_FOUND",
  ],
  [
    "the update of nobody",
    () =>
      replica.change({
        type: ConfChangeType.UpdateNode,
        nodeId: parseNodeId("e"),
        context: encodeMemberContext(newMember(parseNodeId("e"), ["http://e:1"])),
      }),
    "E_ID_NOT_FOUND",
  ],
  [
    "an addition that does not say who",
    () => replica.change({ type: ConfChangeType.AddNode, nodeId: parseNodeId("e") }),
    "E_BAD_CONTEXT",
  ],
])("%s is neutralised, and its proposer learns why", (_name, change, code) => {
  replica.add(newMember(A, ["http://a:1"]));
  replica.add(newMember(B, ["http://b:1"]));
  replica.change({ type: ConfChangeType.RemoveNode, nodeId: B });
  const before = replica.store.index;
  let outcome: unknown;
  replica.confChanges.set("0", (value) => {
    outcome = value;
  });

  expect(change().nodeId).toBe(NONE);

  expect(outcome).toMatchObject({ code });
  expect(replica.store.index).toBe(before);
  expect(replica.confChanges.size).toBe(0);
});

test("what a removed member publishes is dropped and costs no index", () => {
  replica.add(newMember(A, ["http://a:1"]));
  replica.change({ type: ConfChangeType.RemoveNode, nodeId: A });
  const before = replica.store.index;

  replica.apply({ method: "PUT", path: "/0/members/a/attributes", val: "{}" });

  expect(replica.store.index).toBe(before);
});

test("the cluster version is told, and one above ours is fatal", () => {
  replica.apply({ method: "PUT", path: "/0/version", val: "2.3.0" });
  expect(replica.cluster.version).toBe("2.3.0");
  expect(replica.versions).toEqual(["2.3.0"]);

  expect(() => replica.apply({ method: "PUT", path: "/0/version", val: "3.0.0" })).toThrow(
    "cannot be downgraded",
  );
});

test("a cluster read from a recovered store is the one that was built", async () => {
  replica.add(newMember(A, ["http://a:1", "http://a:2"]));
  replica.add(newMember(B, ["http://b:1"]));
  replica.apply({
    method: "PUT",
    path: "/0/members/a/attributes",
    val: '{"name":"n","clientURLs":["http://a:3"]}',
  });
  replica.apply({ method: "PUT", path: "/0/version", val: "2.3.0" });
  replica.change({ type: ConfChangeType.RemoveNode, nodeId: B });
  const chunks: Uint8Array[] = [];
  for await (const chunk of replica.store.freeze().encode({ pause: () => Promise.resolve() }))
    chunks.push(chunk);

  const other = new Replica();
  other.store.recover(Buffer.concat(chunks));
  other.cluster.recover();

  expect(other.cluster.members()).toEqual(replica.cluster.members());
  expect(other.cluster.isRemoved(B)).toBe(true);
  expect(other.cluster.version).toBe("2.3.0");
});
