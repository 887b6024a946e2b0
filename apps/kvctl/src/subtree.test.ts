import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatEntry, parseEntry } from "./subtree.ts";
import type { Entry } from "./subtree.ts";

const entries: fc.Arbitrary<Entry> = fc.record({
  key: fc
    .string({ unit: "binary" })
    .map((text) => (text === "" ? "" : `/${text}`))
    .filter((key) => !key.split("/").some((part) => part === "." || part === "..")),
  value: fc.option(fc.string({ unit: "binary" })),
  ttl: fc.option(fc.integer({ min: 1 })),
});

test("any entry is one line, and read as it was written", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const line = formatEntry(entry);

      expect(line).not.toContain("\n");
      expect(parseEntry(line, 1)).toEqual(entry);
    }),
  );
});

test.each([
  ["", "not a JSON object"],
  ['"text"', "not a JSON object"],
  ['{"key":"a","value":"v"}', '"key" must be empty or begin with a slash'],
  ['{"value":"v"}', '"key" must be empty or begin with a slash'],
  ['{"key":"/../a","value":"v"}', '"key" must not have . or .. between its slashes'],
  ['{"key":"/a/.","value":"v"}', '"key" must not have . or .. between its slashes'],
  ['{"key":"/a/./b","dir":true}', '"key" must not have . or .. between its slashes'],
  ['{"key":"/a"}', 'either "value" must be a string or "dir" must be true'],
  ['{"key":"/a","value":1}', 'either "value" must be a string or "dir" must be true'],
  ['{"key":"/a","value":"v","dir":true}', 'either "value" must be a string or "dir" must be true'],
  ['{"key":"/a","dir":false}', 'either "value" must be a string or "dir" must be true'],
  ['{"key":"/a","value":"v","ttl":0}', '"ttl" must be a positive integer'],
  ['{"key":"/a","value":"v","ttl":"5"}', '"ttl" must be a positive integer'],
])("the line %j is refused", (line, problem) => {
  expect(() => parseEntry(line, 7)).toThrow(`Error:  line 7: ${problem}`);
});
