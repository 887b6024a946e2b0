// Certificates made for one test run by openssl: Node can read them but not make them.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Files with a key and its certificate, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority in `dir` that signs others; `name` is its common name and file name. */
export function makeAuthority(dir: string, name: string): CertificateFiles {
  const files = filesIn(dir, name);
  openssl([...requestOf(files, name), "-addext", "keyUsage=critical,keyCertSign"]);
  return files;
}

/** Makes a certificate for `host`, an IP address, good for serving and for calling. */
export function makeCertificate(
  dir: string,
  name: string,
  options: { readonly authority: CertificateFiles; readonly host: string },
): CertificateFiles {
  const { authority, host } = options;
  const files = filesIn(dir, name);
  openssl([
    ...requestOf(files, name),
    "-CA",
    authority.cert,
    "-CAkey",
    authority.key,
    "-addext",
    "basicConstraints=critical,CA:FALSE",
    "-addext",
    `subjectAltName=IP:${host}`,
    "-addext",
    "extendedKeyUsage=serverAuth,clientAuth",
  ]);
  return files;
}

function filesIn(dir: string, name: string): CertificateFiles {
  return { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
}

function requestOf(files: CertificateFiles, name: string): readonly string[] {
  return [
    "req",
    "-x509",
    ...NEW_KEY,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    files.key,
    "-out",
    files.cert,
  ];
}

function openssl(words: readonly string[]): void {
  execFileSync("openssl", words, { stdio: ["ignore", "ignore", "pipe"] });
}
