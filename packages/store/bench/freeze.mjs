// Stalls of a snapshot while writes go on: node bench/freeze.mjs [keys] [keys per directory]
//
// Prints CPU time (this machine is shared, wall time would measure the others) of building, freezing,
// each slice, each write made between slices, and of reading the result back.
import { Store } from "../src/index.ts";

const keyCount = Number(process.argv[2] ?? 1_000_000);
const perDirectory = Number(process.argv[3] ?? 1_000);
const WRITES_PER_PAUSE = 100;
const value = "v".repeat(64);
const options = { dir: false, value, expiration: null, refresh: false };

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
const print = (name, number, unit) =>
  process.stdout.write(`${name.padEnd(28)} ${number.toFixed(1)} ${unit}\n`);
const heapMiB = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
};
const pathOf = (i) => {
  const name = Buffer.from(`k${String(i).padStart(7, "0")}`).toString();
  return `/1/m/d${Math.floor(i / perDirectory)}/${name}`;
};

const heapBefore = heapMiB();
const store = new Store({ namespaces: ["/0", "/1"], now: () => 0n });
let start = cpuMs();
for (let i = 0; i < keyCount; i++) store.set(pathOf(i), options);
print("build", cpuMs() - start, "ms");
print("heap", heapMiB() - heapBefore, "MiB (run with --expose-gc)");

start = cpuMs();
const frozen = store.freeze();
print("freeze", cpuMs() - start, "ms");

const slices = [];
const writes = [];
const chunks = [];
const pieces = frozen.slices();
const began = cpuMs();
for (;;) {
  start = cpuMs();
  const piece = pieces.next();
  slices.push(cpuMs() - start);
  if (piece.done) break;
  if (piece.value !== null) chunks.push(piece.value);
  start = cpuMs();
  for (let i = 0; i < WRITES_PER_PAUSE; i++) {
    const path = pathOf(Math.floor(Math.random() * keyCount));
    if (i % 10 === 0) store.create(`${path}x`, { dir: false, value, unique: true, expiration: null });
    else store.set(path, options);
  }
  writes.push(cpuMs() - start);
  await new Promise((resolve) => setImmediate(resolve));
}
const top = (list) => list.toSorted((a, b) => b - a);
print("encode with writes", cpuMs() - began, "ms");
print("slices", slices.length, "");
print("longest slice", top(slices)[0], "ms");
print("99th percentile slice", top(slices)[Math.floor(slices.length / 100)], "ms");
print(`longest ${WRITES_PER_PAUSE} writes`, top(writes)[0], "ms");
print("largest chunk", Math.max(...chunks.map((chunk) => chunk.length)) / 1024, "KiB");

const data = Buffer.concat(chunks);
print("snapshot", data.length / 1_048_576, "MiB");
start = cpuMs();
store.recover(data);
print("recover", cpuMs() - start, "ms");
