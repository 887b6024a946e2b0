import { parseNodeId } from "@kv/raft/codec";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TransportError } from "./errors.ts";
import { decodeMembersJson, encodeMembersJson } from "./members-json.ts";

// As 2.3.8 answered (peer-protocol.md §1).
const RECORDED =
  '[{"id":3231065500987551409,"peerURLs":["http://127.0.0.1:22212"]},{"id":14926168586145543212,' +
  '"peerURLs":["http://127.0.0.1:22202"],"name":"A","clientURLs":["http://127.0.0.1:22200"]}]\n';

test("ids above 2^53 are read and written exactly", () => {
  const members = decodeMembersJson(RECORDED);

  expect(members).toEqual([
    { id: "2cd70cf44861eeb1", name: "", peerUrls: ["http://127.0.0.1:22212"], clientUrls: [] },
    {
      id: "cf24673f32ccb42c",
      name: "A",
      peerUrls: ["http://127.0.0.1:22202"],
      clientUrls: ["http://127.0.0.1:22200"],
    },
  ]);
  expect(encodeMembersJson(members)).toBe(RECORDED);
  expect(encodeMembersJson(members.toReversed())).toBe(RECORDED);
});

test("any members survive the round trip", () => {
  const id = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }).map((value) => parseNodeId(value.toString(16)));
  const urls = fc.array(fc.string());
  const member = fc.record({ id, name: fc.string({ unit: "grapheme" }), peerUrls: urls, clientUrls: urls });
  fc.assert(
    fc.property(fc.uniqueArray(member, { selector: (one) => one.id }), (members) => {
      const json = encodeMembersJson(members);

      const sorted = members.toSorted((a, b) => (BigInt(`0x${a.id}`) < BigInt(`0x${b.id}`) ? -1 : 1));
      expect(decodeMembersJson(json)).toEqual(sorted);
    }),
  );
});

test("names are escaped as Go escapes them", () => {
  const member = { id: parseNodeId("1"), name: '<&>"\\\u2028\ud800', peerUrls: [], clientUrls: [] };

  expect(encodeMembersJson([member])).toBe(
    '[{"id":1,"peerURLs":[],"name":"\\u003c\\u0026\\u003e\\"\\\\\\u2028\ufffd"}]\n',
  );
});

test.each([
  "",
  "{}",
  "null",
  "[1]",
  "[null]",
  "[{}]",
  '[{"id":"8e9e05c52164694d"}]',
  '[{"id":1.5}]',
  '[{"id":-1}]',
  '[{"id":1e3}]',
  '[{"id":18446744073709551616}]',
  '[{"id":1,"peerURLs":[2]}]',
  '[{"id":1,"peerURLs":"http://a"}]',
])("%j is not a member list", (json) => {
  expect(() => decodeMembersJson(json)).toThrow(TransportError);
});

test("what a newer member adds is ignored", () => {
  const json = '[{"id":1,"peerURLs":["http://a:1"],"isLearner":false,"more":{"x":[1]}}]';

  expect(decodeMembersJson(json)).toEqual([{ id: "1", name: "", peerUrls: ["http://a:1"], clientUrls: [] }]);
});
