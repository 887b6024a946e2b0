import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Store } from "./store.ts";
import { compareText } from "./text.ts";

const NAMES = ["a", "b", "aa", "Z", "é", "\u20ac", "\ue000", "\uffff", "\u{10000}", "\u{1f600}x", "\udcff"];

test("a sorted listing is in the order of the bytes of its keys, whatever they are", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(NAMES), (names) => {
      const store = new Store({ namespaces: ["/1"], now: () => 0n });
      for (const name of names) {
        store.set(`/1/d/${name}`, { dir: false, value: "", expiration: null, refresh: false });
      }

      const keys = names.length === 0 ? [] : store.get("/1/d", { recursive: false, sorted: true }).node.nodes;

      const expected = names.map((name) => `/1/d/${name}`).toSorted(compareText);
      expect((keys ?? []).map(({ key }) => key)).toEqual(expected);
    }),
  );
});
