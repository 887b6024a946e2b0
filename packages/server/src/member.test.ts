import { expect, test } from "vitest";
import { parseNodeId } from "@kv/raft/codec";
import {
  attributesJson,
  clusterId,
  decodeMemberContext,
  encodeMemberContext,
  memberId,
  newMember,
  parseAttributes,
  parseRaftAttributes,
  raftAttributesJson,
} from "./member.ts";

// cluster.md §1, taken from running servers.
test.each([
  [["http://127.0.0.1:22005"], "etcd-cluster", null, "837219e913a142eb", "5e9009d684e07c95"],
  [["http://127.0.0.1:22009"], "other-token", null, "2de51cbc4e6370c7", "e9c66e2c8ebb5ead"],
  [["http://127.0.0.1:22711"], "http://127.0.0.1:22702/v2/keys/disc/tok", null, "9edfbf04fdbf3aa5", null],
  [["http://127.0.0.1:22721"], "http://127.0.0.1:22702/v2/keys/disc/tok", null, "7b719ad963cc4887", null],
  [["http://127.0.0.1:22111"], "", 1_795_346_525, "da4483b4cd695ff9", null],
  [["http://s1.example.test:22801"], "etcd-cluster", null, "7c48e401d85c9884", null],
])("the member at %s with token %s has the id etcd gives it", (urls, token, seconds, id, cluster) => {
  expect(memberId(urls, token, seconds)).toBe(id);
  if (cluster !== null) expect(clusterId([parseNodeId(id)])).toBe(cluster);
});

test("the cluster id of three members does not depend on their order", () => {
  const ids = ["22041", "22051", "22061"].map((port) =>
    memberId([`http://127.0.0.1:${port}`], "tok-v238-three-members", null),
  );

  expect(ids.toSorted()).toEqual(["3793751a407ada01", "483d2dc1102f07b3", "54cc7ad5f96bdb8c"]);
  expect(clusterId(ids)).toBe("93fa0396ee7cd580");
  expect(clusterId(ids.toReversed())).toBe("93fa0396ee7cd580");
});

test("several peer URLs are hashed in sorted order", () => {
  const urls = ["http://localhost:7001", "http://localhost:2380"];

  expect(memberId(urls, "etcd-cluster", null)).toBe(memberId(urls.toReversed(), "etcd-cluster", null));
});

test("a context is the JSON that etcd writes, with the id as a bare number", () => {
  const member = newMember(parseNodeId("837219e913a142eb"), ["http://127.0.0.1:22005"], "v238-basic");

  const context = encodeMemberContext(member);

  expect(Buffer.from(context).toString()).toBe(
    '{"id":9471661455160984299,"peerURLs":["http://127.0.0.1:22005"],"name":"v238-basic"}',
  );
  expect(decodeMemberContext(context)).toEqual(member);
});

test.each(["", "{}", "[]", "null", '{"id":"12"}', '{"id":1'])(
  "the context %j describes no member",
  (text) => {
    expect(decodeMemberContext(Buffer.from(text))).toBeNull();
  },
);

test("a context of 3.4 with further fields is read", () => {
  const context = Buffer.from('{"id":18446744073709551615,"peerURLs":["http://a:1"],"isPromote":false}');

  expect(decodeMemberContext(context)).toEqual(newMember(parseNodeId("ffffffffffffffff"), ["http://a:1"]));
});

test("attributes round trip, and empty fields are left out", () => {
  expect(attributesJson("", [])).toBe("{}");
  expect(attributesJson("m&0", ["http://a:1", "http://b:2"])).toBe(
    String.raw`{"name":"m\u00260","clientURLs":["http://a:1","http://b:2"]}`,
  );
  expect(parseAttributes(attributesJson("m&0", ["http://a:1"]))).toEqual({
    name: "m&0",
    clientUrls: ["http://a:1"],
  });
  expect(parseAttributes("nonsense")).toBeNull();
  expect(parseRaftAttributes(raftAttributesJson(["http://a:1"]))).toEqual(["http://a:1"]);
  expect(parseRaftAttributes("7")).toBeNull();
});
