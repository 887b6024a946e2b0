// The certificate flags of one kind of listener, read and checked: for who listens and for who dials.
// When they are read again is in certificates.ts. Spec: server-flags.md §3 "Security", §5.4; operations.md §5.

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsOptions } from "node:tls";
import type { PeerTls } from "@kv/rafthttp";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { isSystemError, systemErrorReason } from "./system-error.ts";

/** The certificate flags of one kind; "" is none. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCertAuth: boolean;
  readonly trustedCaFile: string;
  /** The old flag: the same as `trustedCaFile` and `clientCertAuth` together. */
  readonly caFile: string;
}

/** What the files hold. */
export interface Credentials {
  /** For listeners; null: there is no certificate, so none can be secure. */
  readonly listen: TlsOptions | null;
  /** For connections to others; null: only what the system trusts. */
  readonly dial: PeerTls | null;
}

/** etcd 2.3 takes 1.0; nothing that is still in use needs it. */
const MIN_VERSION = "TLSv1.2";

/** Of which listeners the files are; `peer` also for connections to members. */
export type TlsKind = "client" | "peer";

/**
 * Reads the files for listeners at `urls`, and logs as etcd does what they are and where they have no effect.
 *
 * @throws {KvdError} `E_TLS`, also when a URL is https and there is no certificate.
 */
export async function openTls(
  kind: TlsKind,
  files: TlsFiles,
  urls: readonly string[],
  logger: Logger,
): Promise<Credentials> {
  const hasPair = files.certFile !== "" || files.keyFile !== "";
  if (hasPair) logger.info(`${kind}TLS: ${describe(files)}`);
  for (const url of urls) {
    if (isSecure(url) && !hasPair) {
      const where = kind === "peer" ? url : "given listener";
      throw tlsError(`cannot listen on TLS for ${where}: KeyFile and CertFile are not presented`);
    }
    if (isSecure(url) || !hasPair) continue;
    logger.warn(
      `The scheme of ${kind} url ${url} is http while ${kind} key/cert files are presented. Ignored ${kind} key/cert files.`,
    );
  }
  return loadCredentials(files);
}

/** Whether a checked URL is https. */
export function isSecure(url: string): boolean {
  return /^https:/i.test(url);
}

function describe({ certFile, keyFile, caFile, trustedCaFile, clientCertAuth }: TlsFiles): string {
  return `cert = ${certFile}, key = ${keyFile}, ca = ${caFile}, trusted-ca = ${trustedCaFile}, client-cert-auth = ${clientCertAuth}`;
}

/**
 * Reads and checks the files.
 *
 * With `isAuthorityDemanded` a file that is to hold authorities and holds none is refused; etcd starts with it and trusts nobody.
 *
 * @throws {KvdError} `E_TLS`
 */
export async function loadCredentials(
  files: TlsFiles,
  { isAuthorityDemanded = false }: { readonly isAuthorityDemanded?: boolean } = {},
): Promise<Credentials> {
  const pair = files.certFile === "" && files.keyFile === "" ? null : await loadPair(files);
  const authorities = await loadAuthorities(files);
  if (isAuthorityDemanded && authorities?.length === 0) {
    throw tlsError("tls: failed to find any PEM data in trusted certificates");
  }
  // An empty list trusts nobody; no list trusts whom the system trusts.
  const trusted = authorities === null ? {} : { ca: [...authorities] };
  const isDemanded = files.clientCertAuth || files.caFile !== "";
  const shared = { ...pair, ...trusted, minVersion: MIN_VERSION } as const;
  try {
    createSecureContext(shared); // knows more reasons to refuse than the checks above: keys that are too short, for one
  } catch (error) {
    throw tlsError(`tls: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return {
    listen: pair === null ? null : { ...shared, requestCert: isDemanded, rejectUnauthorized: isDemanded },
    dial: pair === null && authorities === null ? null : shared,
  };
}

async function loadPair({ certFile, keyFile }: TlsFiles): Promise<{ cert: string; key: string }> {
  if (certFile === "" || keyFile === "") {
    throw tlsError(`KeyFile and CertFile must both be present[key: ${keyFile}, cert: ${certFile}]`);
  }
  const cert = await readText(certFile);
  const key = await readText(keyFile);
  if (certificatesIn(cert).length === 0) {
    throw tlsError("tls: failed to find any PEM data in certificate input");
  }
  if (!key.includes("-----BEGIN ")) throw tlsError("tls: failed to find any PEM data in key input");
  if (!parseCertificate(cert).checkPrivateKey(parseKey(key))) {
    throw tlsError("tls: private key does not match public key");
  }
  return { cert, key };
}

/** null when no file is named. */
async function loadAuthorities({ trustedCaFile, caFile }: TlsFiles): Promise<readonly string[] | null> {
  const named = [trustedCaFile, caFile].filter((file) => file !== "");
  if (named.length === 0) return null;
  const texts = await Promise.all(named.map(readText));
  const authorities = texts.flatMap(certificatesIn);
  const begunCount = texts.join("").split("-----BEGIN CERTIFICATE-----").length - 1;
  if (begunCount !== authorities.length) throw tlsError("x509: malformed certificate");
  for (const authority of authorities) parseCertificate(authority);
  return authorities;
}

function certificatesIn(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw tlsError("x509: malformed certificate", error);
  }
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw tlsError("tls: failed to parse private key", error); // encrypted ones too: nobody could be asked
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw tlsError(`open ${path}: ${systemErrorReason(error)}`, error);
  }
}

function tlsError(message: string, cause?: unknown): KvdError {
  return new KvdError("E_TLS", message, { cause });
}
