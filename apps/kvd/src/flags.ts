// The table of all flags of etcd 2.3.8. The command line (flag-set.ts), the ETCD_ variables
// (environment.ts) and the help text (help.ts) are read off it. Spec: server-flags.md §3, §4.

import type { z } from "zod";
import {
  boolean,
  integer,
  ipAddress,
  origins,
  positive,
  text,
  unsigned,
  urlList,
  word,
} from "./flag-values.ts";

/** One flag: how its text is read, what holds when it is not given, and its line in the help. */
interface Flag<Value> {
  readonly section: string;
  readonly schema: z.ZodType<Value, string>;
  /** As the user would write it; not checked against the schema when it is "". */
  readonly initial: string;
  /** Stands alone on the command line. */
  readonly isBoolean: boolean;
  readonly description: string;
}

const DEFAULT_PEER_URLS = "http://localhost:2380,http://localhost:7001";
const DEFAULT_CLIENT_URLS = "http://localhost:2379,http://localhost:4001";

const member = inSection("member");
const clustering = inSection("clustering");
const proxy = inSection("proxy");
const security = inSection("security");
const logging = inSection("logging");
const unsafe = inSection("unsafe (can break the guarantees of the cluster)");
const profiling = inSection("profiling");
const preview = inSection("v3 preview (accepted, without effect)");
const old = inSection("old names");

const TABLE = {
  name: member(text, "default", "name of this member, as it is called in initial-cluster"),
  "data-dir": member(text, "", "where this member keeps its data; <name>.etcd when empty"),
  "wal-dir": member(text, "", "a directory of its own for the write-ahead log"),
  "snapshot-count": member(unsigned, "10000", "applied entries from one snapshot to the next"),
  "heartbeat-interval": member(positive, "100", "milliseconds between heartbeats of the leader"),
  "election-timeout": member(
    unsigned,
    "1000",
    "milliseconds without a leader until an election; the same on all members",
  ),
  "listen-peer-urls": member(urlList, DEFAULT_PEER_URLS, "addresses to listen on for other members"),
  "listen-client-urls": member(urlList, DEFAULT_CLIENT_URLS, "addresses to listen on for clients"),
  "max-snapshots": member(unsigned, "5", "snapshot files to keep; 0 keeps all"),
  "max-wals": member(unsigned, "5", "log files to keep; 0 keeps all"),
  "http-engine": member(
    word(["kv", "node"]),
    "kv",
    "what speaks HTTP: kv's own engine, or the one of Node.js",
  ),
  cors: member(origins, "", "origins that browsers may call from, comma separated; * for all"),

  "initial-advertise-peer-urls": clustering(
    urlList,
    DEFAULT_PEER_URLS,
    "where the other members reach this one",
  ),
  "initial-cluster": clustering(
    text,
    "default=http://localhost:2380,default=http://localhost:7001",
    "the members of the cluster at its first start: name=url, comma separated",
  ),
  "initial-cluster-state": clustering(
    word(["new", "existing"]),
    "new",
    "start a new cluster or join an existing one",
  ),
  "initial-cluster-token": clustering(text, "etcd-cluster", "text that tells clusters with equal URLs apart"),
  "advertise-client-urls": clustering(urlList, DEFAULT_CLIENT_URLS, "where clients reach this member"),
  discovery: clustering(text, "", "URL of a discovery token to find the other members with"),
  "discovery-fallback": clustering(
    word(["exit", "proxy"]),
    "proxy",
    "what to do when the discovered cluster is full",
  ),
  "discovery-proxy": clustering(text, "", "HTTP proxy for talking to the discovery service"),
  "discovery-srv": clustering(text, "", "DNS domain whose SRV records name the members"),
  "strict-reconfig-check": clustering(boolean, "false", "refuse member changes that would cost the quorum"),

  proxy: proxy(word(["off", "readonly", "on"]), "off", "run as a proxy instead of a member"),
  "proxy-failure-wait": proxy(unsigned, "5000", "milliseconds a failed endpoint is left alone"),
  "proxy-refresh-interval": proxy(unsigned, "30000", "milliseconds between looks at the member list"),
  "proxy-dial-timeout": proxy(unsigned, "1000", "milliseconds to connect to a member; 0 for no limit"),
  "proxy-write-timeout": proxy(unsigned, "5000", "milliseconds to send a request; 0 for no limit"),
  "proxy-read-timeout": proxy(unsigned, "0", "milliseconds to read an answer; 0 for no limit"),

  "cert-file": security(text, "", "certificate for https client listeners"),
  "key-file": security(text, "", "its private key"),
  "client-cert-auth": security(boolean, "false", "demand certificates from clients"),
  "trusted-ca-file": security(text, "", "authorities that sign client certificates"),
  "ca-file": security(text, "", "old: trusted-ca-file and client-cert-auth in one"),
  "peer-cert-file": security(text, "", "certificate for members, both listening and calling"),
  "peer-key-file": security(text, "", "its private key"),
  "peer-client-cert-auth": security(boolean, "false", "demand certificates from members"),
  "peer-trusted-ca-file": security(text, "", "authorities that sign member certificates"),
  "peer-ca-file": security(text, "", "old: peer-trusted-ca-file and peer-client-cert-auth in one"),

  debug: logging(boolean, "false", "log at level DEBUG"),
  "log-package-levels": logging(text, "", "levels of single packages: package=LEVEL, comma separated"),
  "log-format": logging(
    word(["etcd", "json"]),
    "etcd",
    "lines as etcd writes them, or one JSON object per line",
  ),

  "force-new-cluster": unsafe(boolean, "false", "make a cluster of one out of an existing data directory"),
  "take-over-v3-data": unsafe(
    boolean,
    "false",
    "serve the v2 part of a directory that etcd 3 wrote; v3 data stays where it is, unserved",
  ),
  "etcd3-peers": unsafe(
    boolean,
    "false",
    "be a member beside members of etcd 3.4, for v2 data, to move away from it",
  ),
  "enable-pprof": profiling(boolean, "false", "serve profiles on the client addresses"),
  version: profiling(boolean, "false", "print the version and exit"),

  "experimental-v3demo": preview(boolean, "false", "the v3 API"),
  "experimental-gRPC-addr": preview(text, "127.0.0.1:2378", "its address"),
  "experimental-auto-compaction-retention": preview(integer, "0", "hours of history it keeps"),

  addr: old(ipAddress, "", "advertise-client-urls as IP:port"),
  "bind-addr": old(ipAddress, "", "listen-client-urls as IP:port"),
  "peer-addr": old(ipAddress, "", "initial-advertise-peer-urls as IP:port"),
  "peer-bind-addr": old(ipAddress, "", "listen-peer-urls as IP:port"),
} as const;

/** The name of a flag, without dashes. */
export type FlagName = keyof typeof TABLE;

type FlagValues = {
  readonly [Name in FlagName]: (typeof TABLE)[Name] extends Flag<infer Value> ? Value : never;
};

/** What a flag's text becomes. */
export type FlagValue<Name extends FlagName> = FlagValues[Name];

/** The table, with the type of each value spelled out. */
export const FLAGS: { readonly [Name in FlagName]: Flag<FlagValues[Name]> } = TABLE;

/** Flags of etcd 0.4 that are read and have no effect. */
export const IGNORED_FLAGS: ReadonlySet<string> = new Set([
  "cluster-active-size",
  "cluster-remove-delay",
  "cluster-sync-interval",
  "config",
  "force",
  "max-result-buffer",
  "max-retry-attempts",
  "peer-heartbeat-interval",
  "peer-election-timeout",
  "retry-interval",
  "snapshot",
  "v",
  "vv",
]);

/** Flags of etcd 0.4 that stop the start. */
export const REMOVED_FLAGS: ReadonlySet<string> = new Set(["peers", "peers-file"]);

/** Whether this is the name of a flag with a value. */
export function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

function inSection(section: string) {
  return <Value>(schema: z.ZodType<Value, string>, initial: string, description: string): Flag<Value> => ({
    section,
    schema,
    initial,
    isBoolean: Object.is(schema, boolean),
    description,
  });
}
