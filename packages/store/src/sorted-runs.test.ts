import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SortedRuns } from "./sorted-runs.ts";

test("runs come out merged in order, nothing lost or added", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 20 }))), (lists) => {
      const runs = new SortedRuns<number>((a, b) => a - b);
      for (const list of lists) runs.add(list.toSorted((a, b) => a - b));
      const out: number[] = [];
      for (let item = runs.next(); item !== null; item = runs.next()) out.push(item);
      expect(out).toEqual(lists.flat().toSorted((a, b) => a - b));
    }),
  );
});
