import { describe, expect, test } from "vitest";
import { areCompatible, compareMinorVersions, parseVersion } from "./versions.ts";

const KV = { server: "2.3.8", minCluster: "2.2.0" };
const ETCD_34 = { server: "3.4.23", minCluster: "3.0.0" };

// peer-protocol.md §3, asked of a running 2.3.8 and a running 3.4.23.
const OBSERVED = [
  { server: "2.0.0", minCluster: "2.0.0", by238: false, by3423: false },
  { server: "2.1.3", minCluster: "2.0.0", by238: false, by3423: false },
  { server: "2.2.0", minCluster: "2.1.0", by238: true, by3423: false },
  { server: "2.3.0", minCluster: "2.2.0", by238: true, by3423: false },
  { server: "2.4.0", minCluster: "2.3.0", by238: true, by3423: false },
  { server: "2.4.0", minCluster: "2.4.0", by238: false, by3423: false },
  { server: "3.0.0", minCluster: "2.3.0", by238: true, by3423: true },
  { server: "3.1.0", minCluster: "3.0.0", by238: false, by3423: true },
  { server: "3.4.0", minCluster: "3.0.0", by238: false, by3423: true },
];

describe.each(OBSERVED)("a peer of version $server that needs $minCluster", (peer) => {
  test(`is ${peer.by238 ? "accepted" : "refused"} by 2.3.8 and ${peer.by3423 ? "accepted" : "refused"} by 3.4.23`, () => {
    expect(areCompatible(KV, peer)).toBe(peer.by238);
    expect(areCompatible(ETCD_34, peer)).toBe(peer.by3423);
  });
});

test.each([
  "",
  "2",
  "2.3",
  "2.3.x",
  "v2.3.8",
  " 2.3.8",
  "2.3.8 ",
  "2.3.8\n",
  "not_decided",
  "99999999999.0.0",
])("%j is not a version, and whoever announces it is refused", (text) => {
  expect(() => parseVersion(text)).toThrow(expect.objectContaining({ code: "E_VERSION" }));
  expect(areCompatible(KV, { server: text, minCluster: "2.2.0" })).toBe(false);
  expect(areCompatible(KV, { server: "2.3.8", minCluster: text })).toBe(false);
});

test("the patch level and what follows it do not count", () => {
  expect(parseVersion("2.3.0-alpha.1+git")).toEqual({ major: 2, minor: 3, patch: 0 });
  expect(compareMinorVersions(parseVersion("2.3.0"), parseVersion("2.3.8"))).toBe(0);
  expect(compareMinorVersions(parseVersion("2.10.0"), parseVersion("2.9.0"))).toBeGreaterThan(0);
});
