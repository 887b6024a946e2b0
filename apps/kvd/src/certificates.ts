// Certificates that may be replaced while the process runs. Their files are looked at every second;
// what is whole and valid is used from then on, by listeners and by connections to others. A watcher of
// directories would be told sooner, but not of symbolic links that change further up, as some
// certificate managers change them.
//
//   files ──stat──► changed? ──read──► whole? ──► in use: new connections
//                                        └ no ──► the former ones stay, the next look tries again

import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import type { TlsOptions } from "node:tls";
import type { PeerTls } from "@kv/rafthttp";
import type { Clock } from "@kv/server";
import type { Logger } from "./logger.ts";
import { isSystemError } from "./system-error.ts";
import { loadCredentials, openTls } from "./tls.ts";
import type { Credentials, TlsFiles, TlsKind } from "./tls.ts";

const LOOK_EVERY_MS = 1_000;

/** What the certificates need of the world around them. */
export interface CertificateDeps {
  readonly logger: Logger;
  readonly clock: Pick<Clock, "after">;
}

/** The certificates of one kind. At most one look at the files is under way. */
export class Certificates {
  readonly #kind: TlsKind;
  readonly #files: TlsFiles;
  readonly #deps: CertificateDeps;
  #credentials: Credentials;
  /** Of the files that are in use. */
  #usedState: string;
  /** Of files that cannot be used, and whether the log says so. */
  #refused: { readonly state: string; readonly isTold: boolean } | null = null;
  #cancelLook: () => void = () => {};
  #isClosed = false;

  private constructor(
    kind: TlsKind,
    files: TlsFiles,
    deps: CertificateDeps,
    first: { readonly credentials: Credentials; readonly state: string },
  ) {
    this.#kind = kind;
    this.#files = files;
    this.#deps = deps;
    this.#credentials = first.credentials;
    this.#usedState = first.state;
  }

  /**
   * Reads the files for listeners at `urls`.
   *
   * @throws {KvdError} `E_TLS`
   */
  static async open(
    kind: TlsKind,
    files: TlsFiles,
    urls: readonly string[],
    deps: CertificateDeps,
  ): Promise<Certificates> {
    const state = await stateOf(files);
    const credentials = await openTls(kind, files, urls, deps.logger);
    return new Certificates(kind, files, deps, { credentials, state });
  }

  /** For listeners; null: there is no certificate. */
  get listen(): TlsOptions | null {
    return this.#credentials.listen;
  }

  /** For connections to others, to be asked anew by each; null: only what the system trusts. */
  get dial(): (() => PeerTls) | null {
    const { dial } = this.#credentials;
    if (dial === null) return null;
    return () => this.#credentials.dial ?? dial; // which of the two there are is decided by the flags, once
  }

  /** From now on, until `close`, tells listeners of changed files; `dial` gives them by itself. */
  watch(onReplaced: (listen: TlsOptions) => void): void {
    if (namesOf(this.#files).length > 0) this.#schedule(onReplaced);
  }

  /** Looks at no file any more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelLook();
  }

  #schedule(onReplaced: (listen: TlsOptions) => void): void {
    if (this.#isClosed) return;
    this.#cancelLook = this.#deps.clock.after(LOOK_EVERY_MS, () => {
      void this.#look(onReplaced).then(() => this.#schedule(onReplaced)); // a look does not fail
    });
  }

  async #look(onReplaced: (listen: TlsOptions) => void): Promise<void> {
    const state = await stateOf(this.#files);
    if (state === this.#usedState) {
      this.#refused = null;
      return;
    }
    let credentials: Credentials;
    try {
      credentials = await loadCredentials(this.#files, { isAuthorityDemanded: true });
    } catch (error) {
      this.#refuse(state, error);
      return;
    }
    // While files are being written, those that were read may not belong together.
    if (this.#isClosed || (await stateOf(this.#files)) !== state) return;
    this.#refused = null;
    this.#usedState = state;
    this.#credentials = credentials;
    if (credentials.listen !== null) onReplaced(credentials.listen);
    this.#deps.logger.info(`${this.#kind}TLS: ${describe(credentials)}`);
  }

  /** What is being written is whole a second later: only what stays broken gets a line, and only one. */
  #refuse(state: string, error: unknown): void {
    const isOld = this.#refused?.state === state;
    if (isOld && this.#refused?.isTold === false) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#deps.logger.warn(
        `${this.#kind}TLS: changed files cannot be used, the former ones stay in use: ${reason}`,
      );
    }
    this.#refused = { state, isTold: isOld };
  }
}

function namesOf({ certFile, keyFile, trustedCaFile, caFile }: TlsFiles): readonly string[] {
  return [certFile, keyFile, trustedCaFile, caFile].filter((file) => file !== "");
}

/** Differs when a file was written, replaced or reached by another link. */
async function stateOf(files: TlsFiles): Promise<string> {
  const states = await Promise.all(
    namesOf(files).map(async (file) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
        return [dev, ino, size, mtimeNs, ctimeNs].join(":");
      } catch (error) {
        if (!isSystemError(error)) throw error;
        return error.code; // reading it will say the same, in words
      }
    }),
  );
  return states.join(" ");
}

function describe({ listen, dial }: Credentials): string {
  const cert = listen?.cert ?? dial?.cert;
  if (typeof cert !== "string") return "new connections use the changed files";
  const { serialNumber, validTo } = new X509Certificate(cert);
  return `new connections use the changed files: certificate ${serialNumber}, valid until ${validTo}`;
}
