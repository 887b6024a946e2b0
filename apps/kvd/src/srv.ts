// Finding the first members of a cluster in the DNS: SRV records name their peer addresses, and who
// resolves to an address that this member advertises is this member. Spec: cluster.md §8.

import { lookup } from "node:dns/promises";
import type { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** What is asked of the DNS. */
export type NameService = Pick<Resolver, "resolveSrv" | "resolve4" | "resolve6">;

/** Who looks for a cluster. */
export interface SrvOptions {
  readonly domain: string;
  readonly name: string;
  readonly advertisePeerUrls: readonly string[];
}

const SERVICES = [
  ["_etcd-server-ssl", "https"],
  ["_etcd-server", "http"],
] as const;

/**
 * The initial cluster as the SRV records of a domain give it, `name=url,name=url`. Members other than
 * the own one are called by numbers.
 *
 * @throws {KvdError} `E_CLUSTER`
 */
export async function clusterFromSrv(
  options: SrvOptions,
  names: NameService,
  logger: Logger,
): Promise<string> {
  const log = logger.child({ pkg: "discovery" });
  const own = await ownAddresses(options.advertisePeerUrls, names, log);
  const parts: string[] = [];
  const failures: Error[] = [];
  let nextNumber = 0;
  for (const [service, scheme] of SERVICES) {
    const query = `${service}._tcp.${options.domain}`;
    try {
      // In this order, which is that of the list.
      for (const { name: target, port } of await names.resolveSrv(query)) {
        const host = `${target.replace(/\.$/, "")}:${port}`;
        const address = await addressOf(target, names).catch(() => null); // said below
        if (address === null) {
          log.warn(`couldn't resolve host ${host} during SRV discovery`);
          continue;
        }
        const name = own.has(`${address}:${port}`) ? options.name : String(nextNumber++);
        parts.push(`${name}=${scheme}://${host}`);
        log.notice(`got bootstrap from DNS for ${service} at ${scheme}://${host}`);
      }
    } catch (cause) {
      if (!isDnsError(cause)) throw cause;
      const reason = `error querying DNS SRV records for ${service} lookup ${query}: ${reasonOf(cause)}`;
      failures.push(new Error(reason, { cause }));
    }
  }
  const [, last] = failures;
  if (last === undefined) return parts.join(",");
  for (const { message } of failures) log.warn(message);
  log.error("SRV discovery failed: too many errors querying DNS SRV records");
  throw new KvdError("E_CLUSTER", `error setting up initial cluster: ${last.message}`, { cause: last });
}

/** The advertised addresses as `IP:port`. */
async function ownAddresses(
  urls: readonly string[],
  names: NameService,
  log: Logger,
): Promise<ReadonlySet<string>> {
  const addresses = new Set<string>();
  for (const url of urls) {
    const { hostname, host, port, protocol } = new URL(url);
    try {
      const address = await addressOf(hostname.replace(/^\[|\]$/g, ""), names);
      addresses.add(`${address}:${port || (protocol === "https:" ? "443" : "80")}`);
    } catch (cause) {
      if (!isDnsError(cause)) throw cause;
      log.error(`couldn't resolve host ${host} during SRV discovery`);
      const reason = `lookup ${hostname}: ${reasonOf(cause)}`;
      throw new KvdError("E_CLUSTER", `error setting up initial cluster: ${reason}`, { cause });
    }
  }
  return addresses;
}

/** One address of a host: by the DNS, else as the system knows it (its hosts file). */
async function addressOf(host: string, names: NameService): Promise<string> {
  if (isIP(host) !== 0) return host;
  for (const resolve of [() => names.resolve4(host), () => names.resolve6(host)]) {
    try {
      const [address] = await resolve();
      if (address !== undefined) return address;
    } catch (error) {
      if (!isDnsError(error)) throw error; // a name of the other family, or of the hosts file
    }
  }
  return (await lookup(host)).address;
}

function isDnsError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

function reasonOf(error: { readonly code: string }): string {
  return error.code === "ENOTFOUND" || error.code === "ENODATA" ? "no such host" : error.code;
}
