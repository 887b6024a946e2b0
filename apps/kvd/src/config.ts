// From flags to the configuration of one process. The checks run in etcd's order, because a command
// line with two faults must report the same one. Spec: server-flags.md §2 to §4, cluster.md §2.

import { UrlError, parseInitialCluster } from "@kv/server";
import type { ServerConfig } from "@kv/server";
import type { EngineName } from "./listeners.ts";
import { KvdError } from "./errors.ts";
import type { FlagSet } from "./flag-set.ts";
import { FLAGS } from "./flags.ts";
import type { FlagName } from "./flags.ts";
import type { TlsFiles } from "./tls.ts";
import type { UpstreamTimeouts } from "./proxy/upstream.ts";

/** How to find the first members through a discovery service. */
export interface DiscoveryConfig {
  /** "": not so. */
  readonly url: string;
  /** An HTTP proxy on the way; "": none. */
  readonly proxy: string;
  /** What to be when the cluster is full. */
  readonly fallback: "exit" | "proxy";
}

/** How to run as a proxy. Milliseconds. */
export interface ProxyConfig {
  /** `off`: only when the data directory is a proxy's, or the discovered cluster is full; then as `on`. */
  readonly mode: "off" | "readonly" | "on";
  readonly failureWaitMs: number;
  readonly refreshIntervalMs: number;
  readonly timeouts: UpstreamTimeouts;
}

/** How to run this process: the member and where it listens. Frozen. */
export interface KvdConfig {
  readonly server: ServerConfig;
  readonly listenPeerUrls: readonly string[];
  readonly listenClientUrls: readonly string[];
  /** Origins that browsers may call from. */
  readonly cors: readonly string[];
  readonly clientTls: TlsFiles;
  readonly peerTls: TlsFiles;
  readonly httpEngine: EngineName;
  readonly discovery: DiscoveryConfig;
  /** The domain whose SRV records name the members; "": not so. */
  readonly discoverySrv: string;
  readonly proxy: ProxyConfig;
  /** The data directory was not given but made up from the name. */
  readonly isDefaultDataDir: boolean;
  /** What was given and has no effect; to be logged. */
  readonly warnings: readonly string[];
}

/** A URL flag and the address flag of etcd 0.4 that does the same. */
interface FlagPair {
  readonly urls:
    | "listen-peer-urls"
    | "listen-client-urls"
    | "initial-advertise-peer-urls"
    | "advertise-client-urls";
  readonly address: "addr" | "bind-addr" | "peer-addr" | "peer-bind-addr";
  /** Flags that make the address an https one. */
  readonly certificate: readonly ["cert-file" | "peer-cert-file", "key-file" | "peer-key-file"];
}

const PEER_CERTIFICATE = ["peer-cert-file", "peer-key-file"] as const;
const CLIENT_CERTIFICATE = ["cert-file", "key-file"] as const;
const LISTEN_PEER: FlagPair = {
  urls: "listen-peer-urls",
  address: "peer-bind-addr",
  certificate: PEER_CERTIFICATE,
};
const ADVERTISE_PEER: FlagPair = {
  urls: "initial-advertise-peer-urls",
  address: "peer-addr",
  certificate: PEER_CERTIFICATE,
};
const LISTEN_CLIENT: FlagPair = {
  urls: "listen-client-urls",
  address: "bind-addr",
  certificate: CLIENT_CERTIFICATE,
};
const ADVERTISE_CLIENT: FlagPair = {
  urls: "advertise-client-urls",
  address: "addr",
  certificate: CLIENT_CERTIFICATE,
};

const BOOTSTRAP_FLAGS = ["initial-cluster", "discovery", "discovery-srv"] as const;
const V3_WARNING = "--experimental-v3demo has no effect: there is no v3 API";
const ELECTION_MAX_MS = 50_000;
const ELECTION_HEARTBEATS_MIN = 5;
const DEFAULT_SNAPSHOT_COUNT = 10_000;

/**
 * Checks the flags against each other and makes the configuration.
 *
 * @throws {KvdError} `E_VERIFY` for flags that contradict each other, `E_UNSUPPORTED` for what kvd cannot do.
 */
export function configFrom(flags: FlagSet): KvdConfig {
  if (BOOTSTRAP_FLAGS.filter((name) => flags.isSet(name)).length > 1) {
    throw verifyError(
      'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery" or "discovery-srv"',
    );
  }
  bindWhatIsAdvertised(flags, ADVERTISE_PEER.address, LISTEN_PEER.address);
  bindWhatIsAdvertised(flags, ADVERTISE_CLIENT.address, LISTEN_CLIENT.address);
  const listenPeerUrls = urlsOf(flags, LISTEN_PEER);
  const initialAdvertisePeerUrls = urlsOf(flags, ADVERTISE_PEER);
  const listenClientUrls = urlsOf(flags, LISTEN_CLIENT);
  const advertiseClientUrls = urlsOf(flags, ADVERTISE_CLIENT);

  if (!mayBecomeProxy(flags) && flags.isSet("listen-client-urls") && !flags.isSet("advertise-client-urls")) {
    throw new KvdError(
      "E_VERIFY",
      "-advertise-client-urls is required when -listen-client-urls is set explicitly",
      {
        hint: "When listening on specific address(es), this etcd process must advertise accessible url(s) to each connected client.",
      },
    );
  }
  checkElection(flags.get("heartbeat-interval"), flags.get("election-timeout"));
  const initialCluster = initialClusterOf(flags, initialAdvertisePeerUrls);
  refuseUnsupported(flags);

  const name = flags.get("name");
  const server: ServerConfig = Object.freeze({
    name,
    dataDir: flags.get("data-dir") || `${name}.etcd`,
    walDir: flags.get("wal-dir") || null,
    snapshotCount: flags.get("snapshot-count") || DEFAULT_SNAPSHOT_COUNT,
    heartbeatMs: flags.get("heartbeat-interval"),
    electionMs: flags.get("election-timeout"),
    maxSnapshots: flags.get("max-snapshots"),
    maxWals: flags.get("max-wals"),
    initialCluster,
    initialClusterState: flags.get("initial-cluster-state"),
    // Ids are computed from the discovery token in place of the other one (cluster.md §1).
    initialClusterToken: flags.get("discovery") || flags.get("initial-cluster-token"),
    initialAdvertisePeerUrls,
    advertiseClientUrls,
    strictReconfigCheck: flags.get("strict-reconfig-check"),
    forceNewCluster: flags.get("force-new-cluster"),
    takeOverV3Data: flags.get("take-over-v3-data"),
    etcd3Peers: flags.get("etcd3-peers"),
  });
  return Object.freeze({
    server,
    listenPeerUrls,
    listenClientUrls,
    cors: flags.get("cors"),
    clientTls: tlsFilesOf(flags, ""),
    peerTls: tlsFilesOf(flags, "peer-"),
    httpEngine: flags.get("http-engine"),
    discovery: {
      url: flags.get("discovery"),
      proxy: flags.get("discovery-proxy"),
      fallback: flags.get("discovery-fallback"),
    },
    discoverySrv: flags.get("discovery-srv"),
    proxy: {
      mode: flags.get("proxy"),
      failureWaitMs: flags.get("proxy-failure-wait"),
      refreshIntervalMs: flags.get("proxy-refresh-interval"),
      timeouts: {
        dialMs: flags.get("proxy-dial-timeout"),
        writeMs: flags.get("proxy-write-timeout"),
        readMs: flags.get("proxy-read-timeout"),
      },
    },
    isDefaultDataDir: flags.get("data-dir") === "",
    warnings: flags.get("experimental-v3demo") ? [V3_WARNING] : [],
  });
}

/**
 * Checks that the initial cluster can be read. etcd does so on every start, after it has looked at the data directory.
 *
 * @throws {KvdError} `E_CLUSTER`
 */
export function checkInitialCluster(initialCluster: string): void {
  try {
    parseInitialCluster(initialCluster);
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw new KvdError("E_CLUSTER", `error setting up initial cluster: ${error.message}`, { cause: error });
  }
}

/** `addr` without `bind-addr` listens on the same port of all interfaces. */
function bindWhatIsAdvertised(flags: FlagSet, address: FlagPair["address"], bind: FlagPair["address"]): void {
  if (!flags.isSet(address) || flags.isSet(bind)) return;
  const given = flags.get(address);
  flags.set(bind, `[::]${given.slice(given.lastIndexOf(":"))}`);
}

function urlsOf(flags: FlagSet, pair: FlagPair): readonly string[] {
  if (!flags.isSet(pair.address)) return flags.get(pair.urls);
  if (flags.isSet(pair.urls)) {
    throw verifyError(`Set only one of flags -${pair.urls} and -${pair.address}`);
  }
  const isSecure = pair.certificate.some((name) => flags.get(name) !== "");
  return [`${isSecure ? "https" : "http"}://${flags.get(pair.address)}`];
}

function mayBecomeProxy(flags: FlagSet): boolean {
  if (flags.get("proxy") !== "off") return true;
  return flags.isSet("discovery") && flags.get("discovery-fallback") === "proxy";
}

function checkElection(heartbeatMs: number, electionMs: number): void {
  if (ELECTION_HEARTBEATS_MIN * heartbeatMs > electionMs) {
    throw verifyError(
      `-election-timeout[${electionMs}ms] should be at least as 5 times as -heartbeat-interval[${heartbeatMs}ms]`,
    );
  }
  if (electionMs > ELECTION_MAX_MS) {
    throw verifyError(`-election-timeout[${electionMs}ms] is too long, and should be set less than 50000ms`);
  }
}

/** The certificate flags for client listeners, or with `peer-` for members. */
function tlsFilesOf(flags: FlagSet, prefix: "" | "peer-"): TlsFiles {
  return Object.freeze({
    certFile: flags.get(`${prefix}cert-file`),
    keyFile: flags.get(`${prefix}key-file`),
    clientCertAuth: flags.get(`${prefix}client-cert-auth`),
    trustedCaFile: flags.get(`${prefix}trusted-ca-file`),
    caFile: flags.get(`${prefix}ca-file`),
  });
}

/** The default names the member `default`; with another name it names that. With a discovery token it is this member. */
function initialClusterOf(flags: FlagSet, advertised: readonly string[]): string {
  const given = flags.get("initial-cluster");
  const name = flags.get("name") || "default";
  if (flags.get("discovery") !== "") return advertised.map((url) => `${name}=${url}`).join(",");
  return given === FLAGS["initial-cluster"].initial ? given.replaceAll("default=", `${name}=`) : given;
}

/** What kvd understands but cannot do must not be ignored: the operator counts on it. */
function refuseUnsupported(flags: FlagSet): void {
  const wanted: readonly (readonly [FlagName, boolean])[] = [["enable-pprof", flags.get("enable-pprof")]];
  const refused = wanted.find(([, isWanted]) => isWanted);
  if (refused === undefined) return;
  throw new KvdError("E_UNSUPPORTED", `--${refused[0]} is not supported by this version of kvd`);
}

function verifyError(message: string): KvdError {
  return new KvdError("E_VERIFY", message);
}
