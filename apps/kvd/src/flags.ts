// Every flag of etcd 2.3.8, and Go's way of reading a command line. The table is also the source of
// the help text (help.ts) and of the ETCD_ variables (environment.ts). Spec: server-flags.md §1 to §4.

import type { z } from "zod";
import { KvdError } from "./errors.ts";
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

/** All flags by name. */
export const FLAGS = {
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
export type FlagName = keyof typeof FLAGS;

type FlagValues = {
  readonly [Name in FlagName]: (typeof FLAGS)[Name] extends Flag<infer Value> ? Value : never;
};

/** What a flag's text becomes. */
export type FlagValue<Name extends FlagName> = FlagValues[Name];

/** The table with the type of each value spelled out. */
const TYPED_FLAGS: { readonly [Name in FlagName]: Flag<FlagValues[Name]> } = FLAGS;

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

/** What the command line asks for besides running. */
export type Request = "run" | "help";

/** The flags of one process: their values and which of them were given. The last one given wins. */
export class FlagSet {
  readonly #texts = new Map<FlagName, string>();
  readonly #ignored: string[] = [];

  /** Flags without effect that were given, in order. */
  get ignored(): readonly string[] {
    return this.#ignored;
  }

  /** Whether the flag was given on the command line or in the environment. */
  isSet(name: FlagName): boolean {
    return this.#texts.has(name);
  }

  /** The value given, else the default. The addresses of etcd 0.4 have none: ask `isSet` before. */
  get<Name extends FlagName>(name: Name): FlagValue<Name> {
    const { schema, initial } = TYPED_FLAGS[name];
    return schema.parse(this.#texts.get(name) ?? initial);
  }

  /**
   * Gives a flag its value. `name` may also be an ignored or a removed one.
   *
   * @returns why the value is not acceptable, or null.
   */
  set(name: string, value: string): string | null {
    if (IGNORED_FLAGS.has(name)) {
      this.#ignored.push(name);
      return null;
    }
    if (REMOVED_FLAGS.has(name)) return `flag "-${name}" is no longer supported.`;
    if (!isFlag(name)) return "no such flag";
    const result = FLAGS[name].schema.safeParse(value);
    if (!result.success) return result.error.issues[0]?.message ?? "invalid value";
    this.#texts.set(name, value);
    return null;
  }

  /**
   * Reads a command line, as far as it consists of flags.
   *
   * @returns whether it asks for help, and the words left over.
   * @throws {KvdError} `E_USAGE`
   */
  parse(words: readonly string[]): { readonly request: Request; readonly rest: readonly string[] } {
    let at = 0;
    while (at < words.length) {
      const token = words[at] ?? "";
      if (!token.startsWith("-") || token === "-") break;
      at++;
      if (token === "--") break;

      const { name, value } = splitFlag(token);
      if (!mayBeGiven(name)) {
        if (name === "help" || name === "h") return { request: "help", rest: [] };
        throw usageError(`flag provided but not defined: -${name}`);
      }
      if (value !== null) this.#setFromCommandLine(name, value);
      else if (isBoolean(name)) this.#setFromCommandLine(name, "true");
      else {
        const next = words[at++];
        if (next === undefined) throw usageError(`flag needs an argument: -${name}`);
        this.#setFromCommandLine(name, next);
      }
    }
    return { request: "run", rest: words.slice(at) };
  }

  #setFromCommandLine(name: string, value: string): void {
    const problem = this.set(name, value);
    if (problem === null) return;
    if (isBoolean(name)) throw usageError(`invalid boolean value ${quote(value)} for -${name}: ${problem}`);
    throw usageError(`invalid value ${quote(value)} for flag -${name}: ${problem}`);
  }
}

/** Whether this is the name of a flag with a value. */
export function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

/** Whether a flag of this name may be given: a real, an ignored or a removed one. */
function mayBeGiven(name: string): boolean {
  return isFlag(name) || IGNORED_FLAGS.has(name) || REMOVED_FLAGS.has(name);
}

function isBoolean(name: string): boolean {
  return IGNORED_FLAGS.has(name) || (isFlag(name) && FLAGS[name].isBoolean);
}

/** `-name`, `--name`, `-name=value`: one dash is as good as two. */
function splitFlag(token: string): { readonly name: string; readonly value: string | null } {
  const body = token.slice(token.startsWith("--") ? 2 : 1);
  if (body.startsWith("-") || body.startsWith("=")) throw usageError(`bad flag syntax: ${token}`);
  const equals = body.indexOf("=");
  if (equals === -1) return { name: body, value: null };
  return { name: body.slice(0, equals), value: body.slice(equals + 1) };
}

function usageError(message: string): KvdError {
  return new KvdError("E_USAGE", message);
}

/** A text in double quotes with escapes, as Go prints it with %q. */
export function quote(value: string): string {
  return JSON.stringify(value);
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
