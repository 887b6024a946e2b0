// The global flags and the environment variables beside them. Spec: ctl.md §1. This is the only file that
// looks at the environment, apart from exec-watch, which hands it on.

import { KvctlError } from "./errors.ts";
import type { Flag, FlagValues } from "./flags.ts";

/** How results are printed. */
export type OutputFormat = "simple" | "extended" | "json";

/** What holds for any command. */
export interface GlobalOptions {
  /** Client URLs, as given. */
  readonly endpoints: readonly string[];
  /** Domain whose SRV records list the endpoints instead; null for none. */
  readonly discoverySrv: string | null;
  /** Ask the endpoints for the members' advertised URLs first, and use those. */
  readonly sync: boolean;
  readonly output: OutputFormat;
  /** Print a table instead, where the command has one. */
  readonly table: boolean;
  readonly debug: boolean;
  /** File names; null when not given. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string | null;
  /** `user` or `user:password`; null when not given. */
  readonly username: string | null;
  /** Per request. */
  readonly timeoutMs: number;
  /** Whole command, except watches; 0: no limit. */
  readonly totalTimeoutMs: number;
}

/** The global flags, in the order in which help lists them. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "endpoints", kind: "text", help: "client URLs, separated by commas (ETCDCTL_ENDPOINTS)" },
  { name: "endpoint", kind: "text", help: "older name of --endpoints (ETCDCTL_ENDPOINT)" },
  { name: "peers", short: "C", kind: "text", help: "oldest name of --endpoints (ETCDCTL_PEERS)" },
  {
    name: "discovery-srv",
    short: "D",
    kind: "text",
    help: "domain whose SRV records list the endpoints (ETCDCTL_DISCOVERY_SRV)",
  },
  { name: "no-sync", kind: "boolean", help: "use the endpoints as given, not what the members advertise" },
  {
    name: "output",
    short: "o",
    kind: "text",
    help: "how to print results: simple, extended, json or, where it says so, table (default: simple)",
  },
  { name: "debug", kind: "boolean", help: "print each request as a curl command on standard error" },
  { name: "cert-file", kind: "text", help: "client certificate (ETCDCTL_CERT_FILE)" },
  { name: "key-file", kind: "text", help: "key of the client certificate (ETCDCTL_KEY_FILE)" },
  { name: "ca-file", kind: "text", help: "certificate authority of the servers (ETCDCTL_CA_FILE)" },
  {
    name: "username",
    short: "u",
    kind: "text",
    help: "user[:password]; without the password it is asked for",
  },
  { name: "timeout", kind: "duration", help: "limit of each request (default: 1s)" },
  {
    name: "total-timeout",
    kind: "duration",
    help: "limit of the command, watches aside; 0: none (default: 5s)",
  },
];

/** Understood in their place, and not an option of anything. */
export const VERSION_FLAG: Flag = { name: "version", short: "v", kind: "boolean", help: "show the version" };

const DEFAULT_ENDPOINTS = "http://127.0.0.1:2379,http://127.0.0.1:4001";
const TIMEOUT_MS = 1_000;
const TOTAL_TIMEOUT_MS = 5_000;

/**
 * The options from flags and environment.
 *
 * @throws {KvctlError} E_USAGE, also for an unknown output format
 */
export function parseGlobals(
  flags: FlagValues,
  environment: Readonly<Record<string, string | undefined>>,
): GlobalOptions {
  const fromBoth = (name: string): string | null =>
    nonEmpty(flags.text(name)) ??
    nonEmpty(environment[`ETCDCTL_${name.toUpperCase().replaceAll("-", "_")}`]) ??
    null;

  const output = flags.text("output") ?? "simple";
  const isTable = output === "table";
  // Each name with its variable before the next name: ETCDCTL_ENDPOINTS beats --endpoint.
  const endpoints = fromBoth("endpoints") ?? fromBoth("endpoint") ?? fromBoth("peers") ?? DEFAULT_ENDPOINTS;
  return {
    endpoints: endpoints.split(",").map((endpoint) => endpoint.trim()),
    discoverySrv: fromBoth("discovery-srv"),
    sync: !flags.has("no-sync"),
    output: isTable ? "simple" : parseOutputFormat(output),
    table: isTable,
    debug: flags.has("debug"),
    certFile: fromBoth("cert-file"),
    keyFile: fromBoth("key-file"),
    caFile: fromBoth("ca-file"),
    username: nonEmpty(flags.text("username")) ?? null,
    timeoutMs: flags.durationMs("timeout") ?? TIMEOUT_MS,
    totalTimeoutMs: flags.durationMs("total-timeout") ?? TOTAL_TIMEOUT_MS,
  };
}

function parseOutputFormat(text: string): OutputFormat {
  if (text === "simple" || text === "extended" || text === "json") return text;
  // etcdctl makes the request all the same, prints this and succeeds.
  throw new KvctlError("E_USAGE", `Unsupported output format: ${text}`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
