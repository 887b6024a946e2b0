import { anything, assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { decodeJson } from "./go-json.ts";
import { roleJson, roleSchema } from "./role.ts";
import { userChangeSchema, userJson, userSchema } from "./user.ts";

test.each([
  ['{"a":1}', { a: 1 }],
  ['{"a":1} trailing', { a: 1 }],
  [' {"a":"}"}}', { a: "}" }],
  ['{"a":"\\"}"}x', { a: '"}' }],
  ['{"a":{"b":{}}}{"c":1}', { a: { b: {} } }],
  ["null", null],
  ["[1]", [1]],
])("the first value of %j", (text, value) => {
  expect(decodeJson(text, z.unknown())).toEqual(value);
});

test("whatever follows an object changes nothing", () => {
  assert(
    property(anything({ maxDepth: 3 }), string(), (value, rest) => {
      const json = JSON.stringify({ value });
      expect(decodeJson(json + rest, z.unknown())).toEqual(JSON.parse(json));
    }),
  );
});

// Observed on 3.4.23: names in any case, null as nothing, unknown members ignored, wrong types refused.
test.each([
  ['{"user":"a","password":"p","roles":["r"]}', { name: "a", password: "p", roles: ["r"] }],
  ['{"USER":"a","Password":"p","Roles":[]}', { name: "a", password: "p", roles: [] }],
  ['{"user":"x","User":"a"}', { name: "a", password: "", roles: null }],
  ['{"user":null,"password":null,"roles":null,"grant":null}', { name: "", password: "", roles: null }],
  ['{"roles":[null],"grant":["g"],"color":3}', { name: "", roles: [""], grant: ["g"] }],
  ["null", { name: "", password: "", roles: null, grant: [], revoke: [] }],
  ['{"user":"\\ud800"}', { name: "\ufffd" }],
  ['{"__proto__":{"user":"a"}}', { name: "" }],
])("a user in %s", (json, user) => {
  expect(decodeJson(json, userChangeSchema)).toMatchObject(user);
});

test.each([
  '{"user":1}',
  '{"user":"a","roles":"r"}',
  '{"roles":[1]}',
  "[]",
  '"a"',
  "1",
  "",
  "{",
  "}",
  "x",
  '{"a',
  '{"user":"a"',
])("no user in %s", (json) => {
  expect(decodeJson(json, userChangeSchema)).toBeNull();
});

const NOTHING = { read: null, write: null };

test.each([
  ['{"role":"r"}', { name: "r", permissions: NOTHING, grant: null, revoke: null }],
  ['{"role":"r","permissions":null,"grant":null}', { name: "r", permissions: NOTHING, grant: null }],
  [
    '{"role":"r","permissions":{"kv":null},"grant":{},"revoke":{"kv":{}}}',
    { grant: NOTHING, revoke: NOTHING },
  ],
  [
    '{"Role":"r","PERMISSIONS":{"KV":{"Read":["/a"],"write":[]}}}',
    { permissions: { read: ["/a"], write: [] } },
  ],
])("a role in %s", (json, role) => {
  expect(decodeJson(json, roleSchema)).toMatchObject(role);
});

test.each(['{"role":"r","permissions":[]}', '{"grant":{"kv":{"read":"x"}}}', '{"role":{}}'])(
  "no role in %s",
  (json) => {
    expect(decodeJson(json, roleSchema)).toBeNull();
  },
);

// Values that etcd 2.3.8 (first) and 3.4.23 wrote to their logs.
test.each([
  '{"role":"reader","permissions":{"kv":{"read":["/pub/*"],"write":[]}}}',
  '{"role":"r","permissions":{"kv":{"read":null,"write":null}},"grant":{"kv":{"read":null,"write":null}},"revoke":{"kv":{"read":null,"write":null}}}',
  '{"role":"a\\u003cb","permissions":{"kv":{"read":["/*"],"write":["/*"]}}}',
])("%s is read and written without a change", (json) => {
  expect(roleJson(roleSchema.parse(JSON.parse(json)))).toBe(json);
});

test.each([
  '{"user":"root","password":"$2a$10$RRfS.FAIrIwoaVtITRusR.1rzvpSORY2AaHxMV.JJskZcgsSTZsvm","roles":["root"]}',
  '{"user":"żółw","password":"x","roles":null}',
  '{"user":"a","roles":[]}',
])("%s is read and written without a change", (json) => {
  expect(userJson(userSchema.parse(JSON.parse(json)))).toBe(json);
});
