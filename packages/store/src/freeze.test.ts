// Snapshots: the bytes real servers wrote, consistency while writes go on, and the work of one slice.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EtcdError } from "./errors.ts";
import { Store } from "./store.ts";
import { textToBytes } from "./text.ts";

const FIXTURES = join(import.meta.dirname, "../../../conformance/fixtures/disk");
const NOW = 1_700_000_000_000_000_000n;

const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

const newStore = (): Store => new Store({ namespaces: ["/0", "/1"], now: () => NOW });
const PLAIN = { dir: false, value: "v", expiration: null, refresh: false };

function encode(store: Store): Buffer {
  return Buffer.concat([...store.freeze().slices()].filter((chunk) => chunk !== null));
}

describe("snapshots of real servers", () => {
  // Recorded by etcd 2.0.0, 2.0.13, 2.3.8 and 3.4.23 (conformance/fixtures/README.md).
  const FOLDERS = [
    "v200-snapshots",
    "v2013-snapshots",
    "v2013-purged-wal",
    "v238-joined-by-snapshot",
    "v238-snapshots",
    "v238-three-members",
    "v238-ttl-while-down",
  ];

  test.each(FOLDERS)("%s: what is read and written again is the same to the byte", (folder) => {
    const snapshots = snapshotsOf(folder);

    expect(snapshots.length).toBeGreaterThan(0);
    for (const data of snapshots) {
      const store = newStore();
      store.recover(data);
      store.checkInvariants();
      // 2.0 has a member ACL, always empty, which later versions dropped.
      expect(encode(store).toString()).toBe(data.toString().replaceAll('"ACL":"",', ""));
    }
  });
});

describe("a frozen store", () => {
  test("of a fresh server has the form of etcd", () => {
    const text = encode(new Store({ namespaces: ["/1"], now: () => NOW })).toString();

    expect(text.replace(/(null,)+null/, "NULLS")).toBe(
      '{"Root":{"Path":"/","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z","Value":"",' +
        '"Children":{"1":{"Path":"/1","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z",' +
        '"Value":"","Children":{}}}},"WatcherHub":{"EventHistory":{"Queue":{"Events":[NULLS],"Size":0,' +
        '"Front":0,"Back":0,"Capacity":1000},"StartIndex":0,"LastIndex":0}},"CurrentIndex":0,"Stats":' +
        '{"getsSuccess":0,"getsFail":0,"setsSuccess":0,"setsFail":0,"deleteSuccess":0,"deleteFail":0,' +
        '"updateSuccess":0,"updateFail":0,"createSuccess":0,"createFail":0,"compareAndSwapSuccess":0,' +
        '"compareAndSwapFail":0,"compareAndDeleteSuccess":0,"compareAndDeleteFail":0,"expireCount":0,' +
        '"watchers":0},"CurrentVersion":2}',
    );
  });

  test("keeps nanoseconds, refreshes and a full ring", () => {
    const store = newStore();
    for (let i = 0; i < 1_001; i++) store.set("/1/a", PLAIN);
    store.set("/1/a", { ...PLAIN, refresh: true, expiration: NOW + 1_234_567_891n });
    const data = encode(store);
    const other = newStore();
    other.recover(data);

    expect(encode(other).equals(data)).toBe(true);
    expect(data.toString()).toContain('"ExpireTime":"2023-11-14T22:13:21.234567891Z"');
    expect(data.toString()).toMatch(/"refresh":true},.*"Size":1000,"Front":2,"Back":2,"Capacity":1000}/);
  });

  test("any keys and values survive, except that stray bytes become U+FFFD as in etcd", () => {
    const text = fc.oneof(
      fc.string({ unit: codePoint, maxLength: 12 }),
      fc.string({
        unit: fc.constantFrom("\udcff", "\udc80", "é", "😀", '"', "\\", "<", "\u2028", "\u0000"),
        maxLength: 6,
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 8 }), (pairs) => {
        const store = newStore();
        const expected = new Map<string, string>();
        for (const [name, value] of pairs) {
          const key = `/1/k${name.replaceAll("/", "-").toWellFormed()}`;
          store.set(key, { ...PLAIN, value });
          expected.set(key, value.toWellFormed());
        }
        const other = newStore();
        other.recover(encode(store));
        const { nodes } = other.get("/1", { recursive: false, sorted: true }).node;

        expect(new Map(nodes?.map((node) => [node.key, node.value]))).toEqual(expected);
        const sorted = [...expected.keys()].toSorted((a, b) =>
          Buffer.compare(textToBytes(a), textToBytes(b)),
        );
        expect((nodes ?? []).map((node) => node.key)).toEqual(sorted);
      }),
    );
  });

  test("shows nothing of what is written while it is being encoded", () => {
    type Step = readonly [slot: number, what: number];
    const steps = fc.array(fc.tuple(fc.nat(11), fc.nat(5)), { maxLength: 60 });
    const write = (store: Store, [slot, what]: Step): void => {
      const path = `/1/d${slot % 4}/k${Math.floor(slot / 4)}`;
      const actions = [
        () => store.set(path, { ...PLAIN, value: `w${store.index}` }),
        () => store.set(path, { ...PLAIN, expiration: NOW + BigInt(slot + 1) }),
        () => store.delete(path, { dir: true, recursive: true }),
        () => store.delete(`/1/d${slot % 4}`, { dir: true, recursive: true }),
        () =>
          store.update(`/1/d${slot % 4}`, { value: "", expiration: NOW + BigInt(slot + 1), refresh: false }),
        () => store.deleteExpired(NOW + BigInt(slot)),
      ];
      try {
        actions[what]?.();
      } catch (error) {
        // Some steps are refused because their key is missing by then.
        if (!(error instanceof EtcdError)) throw error;
      }
    };
    fc.assert(
      fc.property(steps, steps, fc.integer({ min: 1, max: 4 }), (before, during, pace) => {
        const store = newStore();
        // Large values, so that a few nodes fill a slice and the walk stops between them.
        for (let i = 0; i < 12; i++) {
          store.set(`/1/d${i % 4}/k${Math.floor(i / 4)}`, { ...PLAIN, value: "x".repeat(140_000) });
        }
        for (const step of before) write(store, step);
        const expected = encode(store);
        const chunks: Uint8Array[] = [];
        const rest = during.values();

        for (const chunk of store.freeze().slices()) {
          if (chunk !== null) chunks.push(chunk);
          for (let i = 0; i < pace; i++) {
            const step = rest.next();
            if (step.done !== true) write(store, step.value);
          }
        }

        expect(Buffer.concat(chunks).equals(expected)).toBe(true);
        store.checkInvariants();
      }),
      { numRuns: 30 },
    );
  });

  test("remembers a node as it was at the freeze, however often it changes afterwards", () => {
    const store = newStore();
    store.set("/1/a", PLAIN);
    store.set("/1/d", { ...PLAIN, dir: true });
    const expected = encode(store);
    const frozen = store.freeze();

    for (const value of ["second", "third"]) store.update("/1/a", { value, expiration: NOW, refresh: false });
    for (const expiration of [NOW, null]) store.update("/1/d", { value: "", expiration, refresh: false });

    expect(Buffer.concat([...frozen.slices()].filter((it) => it !== null)).equals(expected)).toBe(true);
  });

  test("is right when children of a huge directory come and go while they are gathered and sorted", () => {
    const store = newStore();
    for (let i = 0; i < 20_000; i++) store.set(`/1/big/k${(i * 7919) % 20_000}`, PLAIN);
    const expected = encode(store);
    const chunks: Uint8Array[] = [];
    let round = 0;

    for (const chunk of store.freeze().slices()) {
      if (chunk !== null) chunks.push(chunk);
      for (let i = round; i < 20_000; i += 37) {
        if (round % 3 === 0) store.delete(`/1/big/k${i}`, { dir: false, recursive: false });
        else store.set(`/1/big/k${i}`, { ...PLAIN, value: "changed" });
        store.set(`/1/big/new${i}-${round}`, PLAIN);
      }
      round++;
    }

    expect(round).toBeGreaterThan(5);
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
  });

  test("is encoded in chunks of 256 KiB, a bounded number of nodes each, and freezing touches none", () => {
    const store = newStore();
    const keyCount = 50_000;
    for (let i = 0; i < keyCount; i++) store.set(`/1/flat/k${i}`, PLAIN);
    const chunks: Uint8Array[] = [];
    let slices = 0;

    const frozen = store.freeze();
    for (const chunk of frozen.slices()) {
      slices++;
      if (chunk !== null) chunks.push(chunk);
    }

    expect(Math.max(...chunks.map(nodesIn))).toBeLessThan(4_096);
    expect(chunks.slice(0, -1).every((it) => it.length >= 256 * 1024 && it.length < 257 * 1024)).toBe(true);
    expect(slices).toBeGreaterThanOrEqual(chunks.length + Math.floor(keyCount / 4_096));
  });

  test("pauses between slices, as the caller says", async () => {
    const store = newStore();
    store.set("/1/a", { ...PLAIN, value: "x".repeat(600_000) });
    store.set("/1/b", { ...PLAIN, value: "x".repeat(600_000) });
    const expected = encode(store);
    const chunks: Uint8Array[] = [];
    let pauses = 0;

    for await (const chunk of store.freeze().encode({ pause: async () => void pauses++ })) chunks.push(chunk);

    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    expect(pauses).toBeGreaterThanOrEqual(chunks.length - 1);
    expect(chunks.length).toBeGreaterThan(2);
  });

  test("may be taken twice at once, and closed early", () => {
    const store = newStore();
    store.set("/1/a", PLAIN);
    const expected = encode(store);
    const [first, second, third] = [store.freeze(), store.freeze(), store.freeze()];
    second.close();
    second.close();
    store.set("/1/a", { ...PLAIN, value: "later" });
    for (const chunk of third.slices()) {
      expect(chunk).not.toBeNull();
      break;
    }

    expect(Buffer.concat([...first.slices()].filter((it) => it !== null)).equals(expected)).toBe(true);
    expect(() => [...first.slices()]).toThrow("a frozen store is encoded once");
  });
});

function nodesIn(chunk: Uint8Array): number {
  return Buffer.from(chunk).toString().split('"Path"').length - 1;
}

/** The data of every snapshot file of a fixture: field 1 of the record in field 2 (disk-format.md §4). */
function snapshotsOf(folder: string): Buffer[] {
  const tar = gunzipSync(readFileSync(join(FIXTURES, folder, "data.tar.gz")));
  const snapshots: Buffer[] = [];
  for (let offset = 0; offset + 512 <= tar.length && tar[offset] !== 0;) {
    const name = tar.toString("latin1", offset, offset + 100).replace(/\0.*$/, "");
    const size = Number.parseInt(tar.toString("latin1", offset + 124, offset + 136), 8);
    const content = tar.subarray(offset + 512, offset + 512 + size);
    if (name.endsWith(".snap")) snapshots.push(bytesField(bytesField(content, 2), 1));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return snapshots;
}

/** A length-delimited protobuf field. */
function bytesField(record: Buffer, wanted: number): Buffer {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = record[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < record.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === wanted) return record.subarray(at, at + value);
    at += value;
  }
  throw new Error(`no field ${wanted}`);
}
