import { expect, test } from "vitest";
import { z } from "zod";
import { JsonReader } from "./json-reader.ts";

test("a text is decoded once, one that does not fit too, until there are too many", () => {
  const decoded: string[] = [];
  const reader = new JsonReader(z.string().transform((text) => decoded.push(text)));

  for (const text of ['"a"', '"a"', "1", "1"]) reader.read(text);
  expect(decoded).toEqual(["a"]);
  expect([reader.read('"a"'), reader.read("1")]).toEqual([1, null]);

  for (let i = 0; i < 1_023; i++) reader.read(`"${i}"`);
  expect(reader.read('"a"')).not.toBe(1);
});
