import * as fc from "fast-check";
import { expect, test } from "vitest";
import { newDirectory, StoreNode } from "./node.ts";
import { TtlHeap } from "./ttl-heap.ts";

const root = newDirectory("", null, 0);

function expiring(name: string, expiration: number, modifiedIndex: number): StoreNode {
  const node = new StoreNode(name, root, modifiedIndex, "", null);
  node.expiration = BigInt(expiration);
  return node;
}

function drain(heap: TtlHeap): string[] {
  const names: string[] = [];
  for (let node = heap.top(); node !== null; node = heap.top()) {
    heap.remove(node);
    names.push(node.name);
  }
  return names;
}

test("nodes come out by expiration, then modifiedIndex, then path, however they went in", () => {
  const nodes = [
    expiring("d", 5, 1),
    expiring("b", 2, 7),
    expiring("a", 2, 3),
    expiring("c2", 3, 4),
    expiring("c1", 3, 4),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(nodes, { minLength: nodes.length }), (order) => {
      const heap = new TtlHeap();
      for (const node of order) heap.add(node);
      expect(drain(heap)).toEqual(["a", "b", "c1", "c2", "d"]);
    }),
  );
});

test("the order holds after adding and removing anywhere", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(30)), { maxLength: 60 }),
      (steps) => {
        const heap = new TtlHeap();
        const inside: StoreNode[] = [];
        steps.forEach(([expiration, pick], step) => {
          const victim = inside[pick];
          if (victim === undefined) {
            const node = expiring(`n${step}`, expiration, step);
            inside.push(node);
            heap.add(node);
          } else {
            inside.splice(pick, 1);
            heap.remove(victim);
          }
          heap.checkInvariants();
          expect(heap.size).toBe(inside.length);
        });
      },
    ),
  );
});

test("removing a node that is not in the heap changes nothing", () => {
  const heap = new TtlHeap();
  heap.add(expiring("a", 1, 1));

  heap.remove(expiring("b", 1, 1));

  expect(drain(heap)).toEqual(["a"]);
});

test("the node that fills the gap of a removed one may have to rise", () => {
  const heap = new TtlHeap();
  // As an array: 1 | 10 2 | 11 12 3 4. Removing 11 moves 4 below 10.
  const nodes = [1, 10, 2, 11, 12, 3, 4].map((expiration) => expiring(`n${expiration}`, expiration, 1));
  for (const node of nodes) heap.add(node);

  for (const node of nodes) if (node.name === "n11") heap.remove(node);

  heap.checkInvariants();
  expect(drain(heap)).toEqual(["n1", "n2", "n3", "n4", "n10", "n12"]);
});
