// Client endpoints from DNS: `_etcd-client-ssl._tcp` and `_etcd-client._tcp` of a domain. Spec: operations.md.

import type { SrvRecord } from "node:dns";
import { resolveSrv } from "node:dns/promises";
import { KvctlError } from "./errors.ts";

/** Looks up SRV records. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

/**
 * The endpoints that the domain lists, https first.
 *
 * @throws {KvctlError} E_COMMAND if neither service can be looked up: other endpoints may be of another cluster
 */
export async function srvEndpoints(domain: string, resolve: ResolveSrv = resolveSrv): Promise<string[]> {
  const lookups = [
    { scheme: "https", service: "_etcd-client-ssl._tcp" },
    { scheme: "http", service: "_etcd-client._tcp" },
  ];
  const found = await Promise.allSettled(lookups.map(({ service }) => resolve(`${service}.${domain}`)));
  const reasons = found.flatMap((lookup) => (lookup.status === "rejected" ? [String(lookup.reason)] : []));
  if (reasons.length === lookups.length) {
    throw new KvctlError("E_COMMAND", `Error:  no endpoints of ${domain}: ${reasons.join("; ")}`);
  }
  return found.flatMap((lookup, offset) => {
    // A service without records is an error of the resolver, and usual for one of the two.
    if (lookup.status === "rejected") return [];
    return lookup.value.map(
      ({ name, port }) => `${lookups[offset]?.scheme}://${name.replace(/\.$/, "")}:${port}`,
    );
  });
}
