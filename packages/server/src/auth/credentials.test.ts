import { assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { parseCredentials } from "./credentials.ts";

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

test.each([
  [basic("alice:pw"), { name: "alice", password: "pw" }],
  [basic("alice:p:w:d"), { name: "alice", password: "p:w:d" }],
  [basic("alice:"), { name: "alice", password: "" }],
  [basic(":"), { name: "", password: "" }],
  ["bAsIc YTpi", { name: "a", password: "b" }],
  ["Basic /zr/", { name: "\udcff", password: "\udcff" }],
  [basic("nocolon"), null],
  ["Basic ", null],
  ["Basic", null],
  ["Basic  YTpi", null],
  ["Basic !!!", null],
  ["Basic YTpi=", null],
  ["Basic YTo", null],
  ["Basic YTpi YTpi", null],
  ["Bearer YTpi", null],
  ["YTpi", null],
])("%j", (authorization, credentials) => {
  expect(parseCredentials(authorization)).toEqual(credentials);
});

test("a name without a colon and any password come back", () => {
  assert(
    property(string({ unit: "grapheme" }), string({ unit: "grapheme" }), (name, password) => {
      const plain = name.replaceAll(":", "");
      expect(parseCredentials(basic(`${plain}:${password}`))).toEqual({ name: plain, password });
    }),
  );
});
