// https towards clients and between members, with certificates that openssl makes for this run.
// Texts and rules: server-flags.md §3 "Security", §5.4; operations.md §5.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts, nextHost } from "./harness/addresses.ts";
import { makeAuthority, makeCertificate } from "./harness/certificates.ts";
import type { CertificateFiles } from "./harness/certificates.ts";
import { initialCluster, Member } from "./harness/member.ts";
import { isInstalled } from "./harness/programs.ts";
import { ServerProcess } from "./harness/server-process.ts";
import { until } from "./harness/until.ts";

const hasOpenssl = isInstalled("openssl", ["version"]);

let dir: string;
let authority: CertificateFiles;
let stranger: CertificateFiles;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvd-tls-"));
  if (!hasOpenssl) return;
  authority = makeAuthority(dir, "authority");
  stranger = makeAuthority(dir, "stranger");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A member all of whose URLs are https, with a certificate of its own for both sides. */
async function secureMember(name: string): Promise<{ member: Member; files: CertificateFiles }> {
  const host = nextHost();
  const [client, peer] = await freePorts(host, 2);
  const files = makeCertificate(dir, name, { authority, host });
  const member = new Member({
    name,
    dir: await mkdtemp(join(tmpdir(), "kvd-test-")),
    clientUrl: `https://${host}:${client}`,
    peerUrl: `https://${host}:${peer}`,
  });
  return { member, files };
}

function peerFlags(files: CertificateFiles): readonly string[] {
  return [
    "--peer-cert-file",
    files.cert,
    "--peer-key-file",
    files.key,
    "--peer-client-cert-auth",
    "--peer-trusted-ca-file",
    authority.cert,
  ];
}

function clientFlags(files: CertificateFiles): readonly string[] {
  return ["--cert-file", files.cert, "--key-file", files.key];
}

/** The body of an answer to a client that trusts the authority and shows `own`, if anything. */
async function ask(
  method: string,
  url: string,
  own: CertificateFiles | null = null,
  tls: RequestOptions = {},
): Promise<string> {
  const pair = own === null ? {} : { cert: readFileSync(own.cert), key: readFileSync(own.key) };
  const options = { method, agent: false, ca: readFileSync(authority.cert), ...pair, ...tls };
  const answer = Promise.withResolvers<string>();
  request(url, options, (response) => void text(response).then(answer.resolve, answer.reject))
    .on("error", answer.reject)
    .end();
  return answer.promise;
}

describe.runIf(hasOpenssl)("members and clients over https", () => {
  test("three members with certificates form a cluster and replicate", async () => {
    const all = await Promise.all(["m1", "m2", "m3"].map(secureMember));
    await using stack = new AsyncDisposableStack();
    for (const { member } of all) stack.use(member);
    const shared = initialCluster(all.map(({ member }) => member));

    await Promise.all(
      all.map(({ member, files }) => member.start([...shared, ...peerFlags(files), ...clientFlags(files)])),
    );
    const urls = all.map(({ member }) => `${member.clientUrl}/v2/keys/a`);
    await ask("PUT", `${urls[0]}?value=1`);

    for (const url of urls) {
      await until(`the key at ${url}`, async () => {
        const answer = JSON.parse(await ask("GET", url)) as { node?: { value: string } };
        return answer.node?.value === "1" ? true : null;
      });
    }
    expect(all[0]?.member.process.log).toMatch(
      / I \| etcdmain: peerTLS: cert = \S+m1\.crt, key = \S+m1\.key, ca = , trusted-ca = \S+authority\.crt, client-cert-auth = true\n/,
    );
    expect(all[0]?.member.process.log).toMatch(
      / I \| etcdmain: clientTLS: cert = \S+m1\.crt, key = \S+m1\.key, ca = , trusted-ca = , client-cert-auth = false\n/,
    );
    // The version is only raised above the first guess when the members could ask each other.
    const version = await until("the cluster version", async () => {
      const { etcdcluster } = JSON.parse(await ask("GET", `${all[0]?.member.clientUrl}/version`)) as {
        etcdcluster: string;
      };
      return etcdcluster === "2.3.0" ? etcdcluster : null;
    });
    expect(version).toBe("2.3.0");
  });

  test.each([
    [
      "--client-cert-auth and --trusted-ca-file",
      (ca: string) => ["--client-cert-auth", "--trusted-ca-file", ca],
    ],
    ["--ca-file", (ca: string) => ["--ca-file", ca]],
  ])("with %s only clients with a certificate are served", async (_, flagsFor) => {
    const { member: made, files } = await secureMember("demanding");
    await using member = made;
    await member.start([
      ...initialCluster([member]),
      ...peerFlags(files),
      ...clientFlags(files),
      ...flagsFor(authority.cert),
    ]);
    const host = new URL(member.clientUrl).hostname;
    const own = makeCertificate(dir, "client", { authority, host });
    const foreign = makeCertificate(dir, "foreign", { authority: stranger, host });
    const url = `${member.clientUrl}/version`;

    expect(await ask("GET", url, own)).toContain("etcdserver");
    await expect(ask("GET", url)).rejects.toThrow();
    await expect(ask("GET", url, foreign)).rejects.toThrow();
  });

  test("without a demand for certificates none is asked for, and old versions of TLS are refused", async () => {
    const { member: made, files } = await secureMember("open");
    await using member = made;
    await member.start([
      ...initialCluster([member]),
      ...peerFlags(files),
      ...clientFlags(files),
      "--trusted-ca-file",
      authority.cert,
    ]);
    const url = `${member.clientUrl}/version`;

    expect(await ask("GET", url)).toContain("etcdserver");
    await expect(
      ask("GET", url, null, { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" }),
    ).rejects.toThrow(/protocol version|alert/);
  });
});

describe.runIf(hasOpenssl)("certificates that cannot be used: a line at level C, status 1", () => {
  const secure = ["--listen-client-urls=https://127.0.0.1:0", "--advertise-client-urls=https://127.0.0.1:0"];
  const plainPeer = ["--listen-peer-urls=http://127.0.0.1:0"];
  const cases: readonly (readonly [name: string, flags: () => readonly string[], reason: () => string])[] = [
    [
      "client URL without certificate",
      () => [],
      () => "cannot listen on TLS for given listener: KeyFile and CertFile are not presented",
    ],
    [
      "peer URL without certificate",
      () => ["--listen-peer-urls=https://127.0.0.1:0"],
      () => "cannot listen on TLS for https://127.0.0.1:0: KeyFile and CertFile are not presented",
    ],
    [
      "certificate without key",
      () => ["--cert-file", authority.cert],
      () => `KeyFile and CertFile must both be present[key: , cert: ${authority.cert}]`,
    ],
    [
      "missing file",
      () => ["--cert-file", join(dir, "nope.crt"), "--key-file", authority.key],
      () => `open ${join(dir, "nope.crt")}: no such file or directory`,
    ],
    [
      "no PEM",
      () => ["--cert-file", join(dir, "junk"), "--key-file", authority.key],
      () => "tls: failed to find any PEM data in certificate input",
    ],
    [
      "key of another certificate",
      () => ["--cert-file", authority.cert, "--key-file", stranger.key],
      () => "tls: private key does not match public key",
    ],
    [
      "key that cannot be read",
      () => ["--cert-file", authority.cert, "--key-file", join(dir, "bad.key")],
      () => "tls: failed to parse private key",
    ],
    [
      "missing authority",
      () => [...clientFlags(authority), "--trusted-ca-file", join(dir, "nope.crt")],
      () => `open ${join(dir, "nope.crt")}: no such file or directory`,
    ],
  ];

  test.each(cases)("%s", async (_, flags, reason) => {
    await writeFile(join(dir, "junk"), "junk");
    await writeFile(join(dir, "bad.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    await using server = new ServerProcess([...plainPeer, ...secure, ...flags()], { cwd: dir });

    const { code } = await server.exit();

    expect(server.log).toContain(` C | etcdmain: ${reason()}\n`);
    expect(code).toBe(1);
  });
});
