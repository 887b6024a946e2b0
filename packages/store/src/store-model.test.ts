// Random commands against a model that knows only the rules: a flat map of paths, no tree, no heap, no ring.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EtcdError } from "./errors.ts";
import type { NodeExtern } from "./node-extern.ts";
import { Store } from "./store.ts";

interface Entry {
  value: string | null;
  created: number;
  modified: number;
  expiration: bigint | null;
}

interface Command {
  readonly name: "set" | "create" | "update" | "swap" | "delete" | "cad" | "expire" | "restart";
  readonly path: string;
  readonly dir: boolean;
  readonly flag: boolean;
  readonly value: string;
  readonly prevValue: string;
  readonly prevIndex: number;
  readonly expiration: bigint | null;
}

const BASE = 1_700_000_000_000_000_000n;

/** The rules of client-api.md §3.4 and §3.5; a refusal is its code. */
class Model {
  index = 0;
  nodes = new Map<string, Entry>();

  apply(command: Command): number {
    if (command.name === "restart") return 0;
    if (command.name === "expire") return this.expire(BASE + BigInt(command.prevIndex));
    const path = command.flag && command.name === "create" ? this.inOrder(command.path) : command.path;
    const blocker = ancestors(path).find((above) => this.nodes.get(above)?.value != null);
    if (blocker !== undefined) return 104;
    const node = this.nodes.get(path);
    const isWrite = command.name === "set" || command.name === "create";
    if (isWrite) return this.write(command, path, node);
    if (node === undefined) return 100;
    return this.change(command, path, node);
  }

  write(command: Command, path: string, node: Entry | undefined): number {
    if (command.name === "create" && node !== undefined) return 105;
    const isRefresh = command.name === "set" && command.flag;
    if (isRefresh && node === undefined) return 100;
    if (node?.value === null) return 102;
    const created = ++this.index;
    const fresh = { created, modified: created };
    for (const above of ancestors(path)) {
      if (!this.nodes.has(above)) this.nodes.set(above, { value: null, expiration: null, ...fresh });
    }
    const value = command.dir ? null : isRefresh ? (node?.value ?? "") : command.value;
    this.nodes.set(path, { value, expiration: command.expiration, ...fresh });
    return 0;
  }

  change(command: Command, path: string, node: Entry): number {
    const isDirectory = node.value === null;
    const below = [...this.nodes.keys()].filter((key) => key.startsWith(`${path}/`));
    if (command.name === "delete") {
      if (isDirectory && !command.dir && !command.flag) return 102;
      if (below.length > 0 && !command.flag) return 108;
    } else if (command.name === "update") {
      if (isDirectory && command.value !== "") return 102;
    } else {
      if (isDirectory) return 102;
      if (command.prevValue !== "" && command.prevValue !== node.value) return 101;
      if (command.prevIndex !== 0 && command.prevIndex !== node.modified) return 101;
    }
    this.index++;
    if (command.name === "delete" || command.name === "cad") {
      for (const key of [path, ...below]) this.nodes.delete(key);
      return 0;
    }
    node.expiration = command.expiration;
    if (!isDirectory) Object.assign(node, { value: command.value, modified: this.index });
    return 0;
  }

  expire(cutoff: bigint): number {
    const due = [...this.nodes].filter(([, node]) => node.expiration !== null && node.expiration <= cutoff);
    const order = due.toSorted(([, a], [, b]) => Number((a.expiration ?? 0n) - (b.expiration ?? 0n)));
    for (const [path] of order) {
      if (!this.nodes.has(path)) continue;
      for (const key of this.nodes.keys()) if (`${key}/`.startsWith(`${path}/`)) this.nodes.delete(key);
      this.index++;
    }
    return 0;
  }

  inOrder(path: string): string {
    return `${path}/${String(this.index + 1).padStart(20, "0")}`;
  }
}

function ancestors(path: string): string[] {
  const parts = path.split("/").slice(2, -1);
  return parts.map((_part, i) => `/1/${parts.slice(0, i + 1).join("/")}`);
}

const command: fc.Arbitrary<Command> = fc.record({
  name: fc.constantFrom("set", "set", "create", "update", "swap", "delete", "cad", "expire", "restart"),
  path: fc
    .array(fc.constantFrom("a", "b", "_h"), { minLength: 1, maxLength: 3 })
    .map((parts) => `/1/${parts.join("/")}`),
  dir: fc.boolean(),
  flag: fc.boolean(),
  value: fc.constantFrom("", "x", "y"),
  prevValue: fc.constantFrom("", "", "x"),
  prevIndex: fc.nat(12),
  // Instants differ by whole steps of their own, so that the model needs no rule for equal ones.
  expiration: fc.option(fc.bigInt(1n, 12n), { nil: null }).map((n) => (n === null ? null : BASE + n)),
});

const commands = fc.array(command, { maxLength: 40 }).map((list) => {
  const used = new Set<bigint>();
  return list.map((it) => {
    if (it.expiration === null || !used.has(it.expiration)) {
      if (it.expiration !== null) used.add(it.expiration);
      return it;
    }
    return { ...it, expiration: null };
  });
});

function newStore(): Store {
  return new Store({ namespaces: ["/1"], now: () => BASE });
}

function encode(store: Store): Uint8Array {
  return Buffer.concat([...store.freeze().slices()].filter((chunk) => chunk !== null));
}

function apply(store: Store, it: Command): number {
  const { path, dir, value, expiration, flag, prevValue, prevIndex } = it;
  try {
    switch (it.name) {
      case "set":
        store.set(path, { dir, value, expiration, refresh: flag });
        break;
      case "create":
        store.create(path, { dir, value, unique: flag, expiration });
        break;
      case "update":
        store.update(path, { value, expiration, refresh: false });
        break;
      case "swap":
        store.compareAndSwap(path, { prevValue, prevIndex, value, expiration, refresh: false });
        break;
      case "delete":
        store.delete(path, { dir, recursive: flag });
        break;
      case "cad":
        store.compareAndDelete(path, { prevValue, prevIndex });
        break;
      case "expire":
        store.deleteExpired(BASE + BigInt(prevIndex));
        break;
      case "restart":
        store.recover(encode(store));
        break;
    }
  } catch (error) {
    if (error instanceof EtcdError) return error.errorCode;
    throw error;
  }
  return 0;
}

/** All nodes below /1, hidden ones included. */
function contents(store: Store): Map<string, Entry> {
  const found = new Map<string, Entry>();
  const visit = (text: string, path: string): void => {
    const { node } = store.get(path, { recursive: false, sorted: false });
    if (text !== "") found.set(path, entryOf(node));
    const hidden = node.dir ? ["_h"] : [];
    const names = [...hidden, ...(node.nodes ?? []).map((child) => child.key.slice(path.length + 1))];
    for (const name of names) {
      if (name !== "_h" || exists(store, `${path}/${name}`)) visit(name, `${path}/${name}`);
    }
  };
  visit("", "/1");
  return found;
}

function exists(store: Store, path: string): boolean {
  try {
    return store.get(path, { recursive: false, sorted: false }).etcdIndex >= 0;
  } catch (error) {
    if (error instanceof EtcdError) return false;
    throw error;
  }
}

function entryOf(node: NodeExtern): Entry {
  return {
    value: node.dir ? null : node.value,
    created: node.createdIndex,
    modified: node.modifiedIndex,
    expiration: node.expiration,
  };
}

test("the store agrees with the model after every command, and its index counts successes", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const store = newStore();
      const model = new Model();
      for (const it of list) {
        const indexBefore = store.index;
        const code = apply(store, it);

        expect(code).toBe(model.apply(it));
        expect(store.index).toBe(model.index);
        const isOne = code === 0 && it.name !== "expire" && it.name !== "restart";
        if (it.name !== "expire") expect(store.index).toBe(indexBefore + (isOne ? 1 : 0));
        store.checkInvariants();
      }
      expect(contents(store)).toEqual(model.nodes);
    }),
    { numRuns: 400 },
  );
});

test("two stores given the same commands are equal to the byte, also if one was recovered in between", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const writes = list.filter((it) => it.name !== "restart");
      const plain = newStore();
      const recovered = newStore();
      writes.forEach((it, step) => {
        apply(plain, it);
        apply(recovered, it);
        if (step % 5 === 2) recovered.recover(encode(recovered));
      });

      expect(Buffer.compare(encode(plain), encode(recovered))).toBe(0);
    }),
  );
});

test("a recursive stream sees every event that is not hidden, once and in order, live or from the history", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const store = newStore();
      const live = store.watch("/1", { recursive: true, stream: true, since: 0 });
      const everything = store.watch("/", { recursive: true, stream: true, since: 1 });
      for (const it of list) if (it.name !== "restart") apply(store, it);
      const late = store.watch("/1", { recursive: true, stream: true, since: 1 });

      const seen = [live, everything, late].map((watcher) => {
        const indexes: number[] = [];
        for (let event = watcher.take(); event !== null; event = watcher.take()) {
          expect(event.node.key).not.toContain("/_");
          indexes.push(event.node.modifiedIndex);
        }
        return indexes;
      });
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
      expect(seen[0]).toEqual([...new Set(seen[0])].toSorted((a, b) => a - b));
    }),
  );
});
