// A command's connection to the cluster: certificates read, password known, endpoints synchronised.
// Loaded only by commands that talk to a server. Spec: ctl.md §1 Synchronisation, §10.

import { readFileSync } from "node:fs";
import { Client, ClientError } from "@kv/client";
import type { TlsOptions } from "@kv/client";
import { KvctlError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { describeFailure, isConnectionFailure } from "./failure.ts";
import type { FailureStyle } from "./failure.ts";
import type { GlobalOptions } from "./globals.ts";
import { HttpTransport, secureContextOptions } from "./http-transport.ts";
import type { Printer } from "./print.ts";
import { readPassword } from "./standard-input.ts";

/** An open client and the time that is left. */
export interface Session extends AsyncDisposable {
  readonly client: Client;
  /** Aborted when --total-timeout is over. Not for watches. */
  readonly signal: AbortSignal | undefined;
}

/** What {@link openSession} needs. */
export interface SessionOptions {
  readonly globals: GlobalOptions;
  readonly printer: Printer;
  readonly style: FailureStyle;
  /** Whether to synchronise, unless the user forbids it. */
  readonly sync: boolean;
}

/**
 * Connects to the cluster.
 *
 * @throws {KvctlError} for bad files, and if no endpoint can be reached
 * @throws what the client throws
 */
export async function openSession({ globals, printer, style, sync }: SessionOptions): Promise<Session> {
  const tls = readTlsFiles(globals);
  const credentials = await credentialsOf(globals, printer);
  const signal = globals.totalTimeoutMs === 0 ? undefined : AbortSignal.timeout(globals.totalTimeoutMs);
  const discovered = globals.discoverySrv === null ? [] : await discover(globals.discoverySrv);
  const client = new Client({
    endpoints: discovered.length > 0 ? discovered : globals.endpoints,
    timeoutMs: globals.timeoutMs,
    timeoutCovers: "head", // as etcdctl: a large answer may take as long as it comes
    rounds: 1, // as etcdctl, whose list of failures has a line for each endpoint
    transport: new HttpTransport(tls, globals.proxy),
    credentials,
    ...(globals.debug ? { onRequest: (request) => printer.request(request) } : {}),
  });
  if (sync && globals.sync) await synchronise(client, { globals, printer, style, signal });
  if (globals.debug) printer.error(`Cluster-Endpoints: ${client.endpoints.join(", ")}`);
  return { client, signal, [Symbol.asyncDispose]: () => client.close() };
}

async function discover(domain: string): Promise<readonly string[]> {
  const { srvEndpoints } = await import("./srv.ts");
  return srvEndpoints(domain);
}

async function synchronise(
  client: Client,
  options: Omit<SessionOptions, "sync"> & { readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { globals, printer, style, signal } = options;
  if (globals.debug) printer.error(`start to sync cluster using endpoints(${client.endpoints.join(",")})`);
  try {
    await client.sync({ signal });
  } catch (cause) {
    if (cause instanceof ClientError && cause.code === "E_NO_ENDPOINTS") {
      const message =
        "etcd cluster has no published client endpoints.\n" +
        `Try '--no-sync' if you want to access non-published client endpoints(${client.endpoints.join(",")}).\n` +
        `Error:  ${cause.message}`;
      throw new KvctlError("E_COMMAND", message, { exitCode: ExitCode.ServerError, cause });
    }
    if (style === "keys" && isConnectionFailure(cause)) {
      const message = describeFailure(cause, style).text.replace(/\n$/, "");
      throw new KvctlError("E_COMMAND", message, { exitCode: ExitCode.NoConnection, cause });
    }
    throw cause;
  }
  if (globals.debug) printer.error(`got endpoints(${client.endpoints.join(",")}) after sync`);
}

function readTlsFiles({ certFile, keyFile, caFile }: GlobalOptions): TlsOptions | null {
  if ((certFile === null) !== (keyFile === null)) {
    const files = `key: ${keyFile ?? ""}, cert: ${certFile ?? ""}`;
    throw new KvctlError("E_FILE", `KeyFile and CertFile must both be present[${files}]`);
  }
  if (certFile === null && caFile === null) return null;
  const tls = { ca: readTlsFile(caFile), cert: readTlsFile(certFile), key: readTlsFile(keyFile) };
  try {
    process.getBuiltinModule("node:tls").createSecureContext(secureContextOptions(tls));
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== null).join(", ");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KvctlError("E_FILE", `Error:  ${files}: ${reason}`, { cause });
  }
  return tls;
}

function readTlsFile(path: string | null): Uint8Array | undefined {
  return path === null ? undefined : readOwnFile(path);
}

function readOwnFile(path: string): Buffer {
  try {
    // Not node:fs/promises, which takes 6 to 12 ms to load (bench machine).
    return readFileSync(path);
  } catch (cause) {
    const reason = isMissing(cause) ? "no such file or directory" : String(cause);
    throw new KvctlError("E_FILE", `open ${path}: ${reason}`, { cause });
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

async function credentialsOf(
  globals: GlobalOptions,
  printer: Printer,
): Promise<{ username: string; password: string } | undefined> {
  const { username, password, passwordFile } = globals;
  if (username === null) return undefined;
  const colon = username.indexOf(":");
  if (colon >= 0) return { username: username.slice(0, colon), password: username.slice(colon + 1) };
  if (passwordFile !== null) return { username, password: readPasswordFile(passwordFile) };
  if (password !== null) return { username, password };
  return { username, password: await readPassword("Password: ", (text) => printer.text(text)) };
}

/** An editor's line end behind the password is none of it. */
function readPasswordFile(path: string): string {
  return readOwnFile(path)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}
