import { expect, test } from "vitest";
import { configFrom } from "./config.ts";
import { FlagSet } from "./flag-set.ts";

function config(...words: string[]) {
  const flags = new FlagSet();
  flags.parse(words);
  return configFrom(flags);
}

const NO_TLS = { certFile: "", keyFile: "", clientCertAuth: false, trustedCaFile: "", caFile: "" };

test("without flags the configuration is etcd's", () => {
  expect(config()).toStrictEqual({
    server: {
      name: "default",
      dataDir: "default.etcd",
      walDir: null,
      snapshotCount: 10_000,
      heartbeatMs: 100,
      electionMs: 1_000,
      maxSnapshots: 5,
      maxWals: 5,
      initialCluster: "default=http://localhost:2380,default=http://localhost:7001",
      initialClusterState: "new",
      initialClusterToken: "etcd-cluster",
      initialAdvertisePeerUrls: ["http://localhost:2380", "http://localhost:7001"],
      advertiseClientUrls: ["http://localhost:2379", "http://localhost:4001"],
      strictReconfigCheck: false,
      forceNewCluster: false,
      takeOverV3Data: false,
      etcd3Peers: false,
    },
    listenPeerUrls: ["http://localhost:2380", "http://localhost:7001"],
    listenClientUrls: ["http://localhost:2379", "http://localhost:4001"],
    cors: [],
    clientTls: NO_TLS,
    peerTls: NO_TLS,
    httpEngine: "kv",
    discovery: { url: "", proxy: "", fallback: "proxy" },
    discoverySrv: "",
    proxy: {
      mode: "off",
      failureWaitMs: 5_000,
      refreshIntervalMs: 30_000,
      timeouts: { dialMs: 1_000, writeMs: 5_000, readMs: 0 },
    },
    isDefaultDataDir: true,
    warnings: [],
  });
});

test("the configuration cannot be changed", () => {
  const { server } = config();

  expect(Object.isFrozen(server)).toBe(true);
});

test("another name shows in the data directory and in the default cluster", () => {
  const { server } = config("--name", "infra9");

  expect(server.dataDir).toBe("infra9.etcd");
  expect(server.initialCluster).toBe("infra9=http://localhost:2380,infra9=http://localhost:7001");
});

test("a cluster that was given keeps its names", () => {
  expect(config("--name=a", "--initial-cluster=default=http://x:1").server.initialCluster).toBe(
    "default=http://x:1",
  );
});

test("a snapshot count of 0 is the default", () => {
  expect(config("--snapshot-count=0").server.snapshotCount).toBe(10_000);
});

test("addr is advertised and, without bind-addr, bound on all interfaces", () => {
  const { server, listenClientUrls } = config("--addr=10.0.0.1:4001");

  expect(server.advertiseClientUrls).toStrictEqual(["http://10.0.0.1:4001"]);
  expect(listenClientUrls).toStrictEqual(["http://[::]:4001"]);
});

test("peer-addr and peer-bind-addr stand for the peer URLs", () => {
  const { server, listenPeerUrls } = config("--peer-addr=10.0.0.1:7001", "--peer-bind-addr=127.0.0.1:7002");

  expect(server.initialAdvertisePeerUrls).toStrictEqual(["http://10.0.0.1:7001"]);
  expect(listenPeerUrls).toStrictEqual(["http://127.0.0.1:7002"]);
});

test("an election timeout of exactly five heartbeats and one of 50 s are accepted", () => {
  expect(config("--heartbeat-interval=200").server.heartbeatMs).toBe(200);
  expect(config("--election-timeout=50000").server.electionMs).toBe(50_000);
});

test.each([["--proxy=on"], ["--proxy=readonly"], ["--discovery=http://h/token"]])(
  "who may become a proxy need not advertise: %s",
  (flag) => {
    expect(config("--listen-client-urls=http://a:1", flag).listenClientUrls).toStrictEqual(["http://a:1"]);
  },
);

test("who exits when the discovered cluster is full must advertise", () => {
  expect(() =>
    config("--listen-client-urls=http://a:1", "--discovery=http://h/token", "--discovery-fallback=exit"),
  ).toThrow("-advertise-client-urls is required");
});

test("with a discovery token the cluster begins with this member, and ids are computed from the token", () => {
  const { server, discovery } = config(
    "--name=m",
    "--initial-advertise-peer-urls=http://a:1,http://a:2",
    "--discovery=http://h:1/v2/keys/token",
    "--initial-cluster-token=other",
  );

  expect(server.initialCluster).toBe("m=http://a:1,m=http://a:2");
  expect(server.initialClusterToken).toBe("http://h:1/v2/keys/token");
  expect(discovery).toStrictEqual({ url: "http://h:1/v2/keys/token", proxy: "", fallback: "proxy" });
});

test("certificate flags are read for clients and for members apart", () => {
  const { clientTls, peerTls } = config(
    "--cert-file=c",
    "--key-file=k",
    "--client-cert-auth",
    "--peer-ca-file=p",
  );

  expect(clientTls).toStrictEqual({ ...NO_TLS, certFile: "c", keyFile: "k", clientCertAuth: true });
  expect(peerTls).toStrictEqual({ ...NO_TLS, caFile: "p" });
});

test("the v3 preview is accepted and has no effect", () => {
  expect(config("--experimental-v3demo").warnings).toStrictEqual([
    "--experimental-v3demo has no effect: there is no v3 API",
  ]);
});
