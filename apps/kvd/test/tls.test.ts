// https towards clients and between members, with certificates that openssl makes for this run.
// Texts and rules: server-flags.md §3 "Security", §5.4; operations.md §5.

import { copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:https";
import type { RequestOptions } from "node:https";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { X509Certificate } from "node:crypto";
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

function peerFlags(files: CertificateFiles, trusted = authority.cert): readonly string[] {
  return [
    "--peer-cert-file",
    files.cert,
    "--peer-key-file",
    files.key,
    "--peer-client-cert-auth",
    "--peer-trusted-ca-file",
    trusted,
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

describe.runIf(hasOpenssl)("certificates are read again when their files change", () => {
  test.each(["kv", "node"])("new clients see the new one, old ones go on (engine %s)", async (engine) => {
    const { member: made, files: first } = await secureMember(`rotating-${engine}`);
    await using member = made;
    const host = new URL(member.clientUrl).hostname;
    const [second, third] = ["second", "third"].map((name) =>
      makeCertificate(dir, name, { authority, host }),
    );
    if (second === undefined || third === undefined) throw new Error("unreachable");
    // As certificate managers do it: the files are behind a link that is replaced by another one.
    const store = join(member.dir, "store");
    const files = { cert: join(store, "current", "tls.crt"), key: join(store, "current", "tls.key") };
    await publish(store, "v1", first);
    await member.start([
      ...initialCluster([member]),
      ...peerFlags(first),
      ...clientFlags(files),
      `--http-engine=${engine}`,
    ]);
    const key = `${member.clientUrl}/v2/keys/a`;
    const poll = ask("GET", `${key}?wait=true`);
    expect(await serialAt(member.clientUrl)).toBe(serialOf(first));

    await publish(store, "v2", second);
    await until("the second certificate", async () => isShown(member.clientUrl, second));

    await writeFile(files.cert, "-----BEGIN CERT"); // half written
    await member.process.logged(/ W \| etcdmain: clientTLS: changed files cannot be used/);
    expect(await serialAt(member.clientUrl)).toBe(serialOf(second));

    await copyFile(third.key, files.key); // a key of another certificate, until that one follows
    await member.process.logged(/cannot be used(?:.|\n)*cannot be used/);
    expect(await serialAt(member.clientUrl)).toBe(serialOf(second));
    await copyFile(third.cert, files.cert);
    await until("the third certificate", async () => isShown(member.clientUrl, third));

    await ask("PUT", `${key}?value=1`);
    expect(await poll).toContain('"value":"1"'); // it has waited through all of this on its first connection
    expect(member.process.log.match(/cannot be used/g)).toHaveLength(2); // once for each broken state
    expect(member.process.log).toContain(`certificate ${serialOf(third)}, valid until `);
  });

  test("three members change to another authority, one step at a time, and go on", async () => {
    const all = await Promise.all(["c1", "c2", "c3"].map(secureMember));
    await using stack = new AsyncDisposableStack();
    for (const { member } of all) stack.use(member);
    const [one, two, three] = all;
    if (one === undefined || two === undefined || three === undefined) throw new Error("unreachable");
    const trusted = join(dir, "trusted.crt");
    await copyFile(authority.cert, trusted);
    const shared = initialCluster(all.map(({ member }) => member));
    await Promise.all(
      all.map(({ member, files }) =>
        member.start([...shared, ...peerFlags(files, trusted), ...clientFlags(files)]),
      ),
    );
    const former = { cert: join(dir, "former.crt"), key: join(dir, "former.key") };
    await copyFile(one.files.cert, former.cert);
    await copyFile(one.files.key, former.key);
    const successor = makeAuthority(dir, "successor");
    const changes = (count: number): Promise<unknown> =>
      Promise.all(
        all.map(({ member }) =>
          until(`change ${count} of ${member.name}`, () =>
            (member.process.log.match(/ peerTLS: new connections use the changed files/g) ?? []).length >=
            count
              ? true
              : null,
          ),
        ),
      );

    // 1. both authorities are trusted; 2. members get certificates of the new one; 3. only that one is trusted.
    const both = (await readFile(authority.cert, "utf8")) + (await readFile(successor.cert, "utf8"));
    await writeFile(trusted, both);
    await changes(1);
    for (const { member, files } of all) {
      const host = new URL(member.peerUrl).hostname;
      const next = makeCertificate(dir, `${member.name}-next`, { authority: successor, host });
      await copyFile(next.key, files.key);
      await copyFile(next.cert, files.cert);
    }
    await changes(2);
    await copyFile(successor.cert, trusted);
    await changes(3);

    // The third reads everything at its start: it trusts only what the others have learned to show, and they must accept it.
    await three.member.crash();
    await three.member.start([...peerFlags(three.files, trusted), ...clientFlags(three.files)]);
    await two.member.crash();
    const url = `${one.member.clientUrl}/v2/keys/after`;
    await until("a write by the first and the third", async () =>
      (await ask("PUT", `${url}?value=1`, null, { ca: readFileSync(successor.cert) })).includes('"value":"1"')
        ? true
        : null,
    );
    const version = `${one.member.peerUrl}/version`;
    const trusting = { ca: readFileSync(successor.cert) };
    expect(await ask("GET", version, three.files, trusting)).toContain("etcdserver");
    await expect(ask("GET", version, former, trusting)).rejects.toThrow();
  });
});

/** Puts a pair where `current` leads to, in one step. */
async function publish(store: string, version: string, pair: CertificateFiles): Promise<void> {
  await mkdir(join(store, version), { recursive: true });
  await copyFile(pair.cert, join(store, version, "tls.crt"));
  await copyFile(pair.key, join(store, version, "tls.key"));
  await symlink(version, join(store, "next"));
  await rename(join(store, "next"), join(store, "current"));
}

function serialOf(files: CertificateFiles): string {
  return new X509Certificate(readFileSync(files.cert)).serialNumber;
}

/** The serial number of the certificate that a new connection is shown. */
async function serialAt(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: hostname, port: Number(port), ca: readFileSync(authority.cert) }, () =>
    resolve(socket.getPeerCertificate().serialNumber),
  ).on("error", reject);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

async function isShown(url: string, files: CertificateFiles): Promise<true | null> {
  return (await serialAt(url)) === serialOf(files) ? true : null;
}

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
