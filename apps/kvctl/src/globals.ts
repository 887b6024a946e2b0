// The global flags and the environment variables beside them. Spec: ctl.md §1.

import { wrongUsage } from "./flags.ts";
import type { Flag, FlagValues } from "./flags.ts";

/** How results are printed. */
export type OutputFormat = "simple" | "extended" | "json";

/** Where requests are sent instead of to the endpoints. */
export interface ProxySettings {
  readonly HTTP_PROXY?: string;
  readonly HTTPS_PROXY?: string;
  readonly NO_PROXY: string;
}

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
  /** Used when the user comes without a password; null when not given. */
  readonly password: string | null;
  /** A file with the password, used before that; null when not given. */
  readonly passwordFile: string | null;
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as Node's HTTP client takes them; null without a proxy. */
  readonly proxy: ProxySettings | null;
  /** Per request, until the head of the answer. */
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
    help: "user[:password] (ETCDCTL_USERNAME); without the password: see --password-file",
  },
  {
    name: "password-file",
    kind: "text",
    help: "file with the password (ETCDCTL_PASSWORD_FILE); without it: ETCDCTL_PASSWORD, else it is asked for",
  },
  { name: "timeout", kind: "duration", help: "limit of each request, until its answer begins (default: 1s)" },
  {
    name: "total-timeout",
    kind: "duration",
    help: "limit of the command, watches aside; 0: none (default: 5s)",
  },
];

/** Stands where global flags stand, but asks for something else than a command. */
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
    username: fromBoth("username"),
    password: nonEmpty(environment["ETCDCTL_PASSWORD"]) ?? null,
    passwordFile: fromBoth("password-file"),
    proxy: proxyOf(environment),
    timeoutMs: flags.durationMs("timeout") ?? TIMEOUT_MS,
    totalTimeoutMs: flags.durationMs("total-timeout") ?? TOTAL_TIMEOUT_MS,
  };
}

/** As in Go's programs: this machine is never asked through a proxy. */
function proxyOf(environment: Readonly<Record<string, string | undefined>>): ProxySettings | null {
  const setting = (name: string): string | undefined =>
    nonEmpty(environment[name]) ?? nonEmpty(environment[name.toLowerCase()]);
  const http = setting("HTTP_PROXY");
  const https = setting("HTTPS_PROXY");
  if (http === undefined && https === undefined) return null;
  return {
    ...(http === undefined ? {} : { HTTP_PROXY: http }),
    ...(https === undefined ? {} : { HTTPS_PROXY: https }),
    NO_PROXY: ["localhost", "127.0.0.1", "::1", ...(setting("NO_PROXY")?.split(",") ?? [])].join(","),
  };
}

function parseOutputFormat(text: string): OutputFormat {
  if (text === "simple" || text === "extended" || text === "json") return text;
  // etcdctl makes the request all the same, says so and succeeds.
  throw wrongUsage(`unsupported output format '${text}': simple, extended, json or table`, "kvctl");
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
