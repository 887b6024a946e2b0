import { describe, expect, test } from "vitest";
import { FlagValues } from "./flags.ts";
import { parseGlobals } from "./globals.ts";

function parse(
  flags: Record<string, string>,
  environment: Record<string, string> = {},
): ReturnType<typeof parseGlobals> {
  return parseGlobals(new FlagValues(new Map(Object.entries(flags)), new Map(), "kvctl"), environment);
}

describe("endpoints", () => {
  // Each row is one step lower in the order of precedence; the rest of the rows are all set too.
  const ORDER = [
    { flag: "endpoints", variable: null },
    { flag: null, variable: "ETCDCTL_ENDPOINTS" },
    { flag: "endpoint", variable: null },
    { flag: null, variable: "ETCDCTL_ENDPOINT" },
    { flag: "peers", variable: null },
    { flag: null, variable: "ETCDCTL_PEERS" },
  ];

  test.each(ORDER.map((row, rank) => ({ rank, name: row.flag ?? row.variable })))(
    "$name comes number $rank",
    ({ rank }) => {
      const flags: Record<string, string> = {};
      const environment: Record<string, string> = {};
      for (const [offset, { flag, variable }] of ORDER.entries()) {
        if (offset < rank) continue;
        if (flag !== null) flags[flag] = `h${offset}:1`;
        if (variable !== null) environment[variable] = `h${offset}:1`;
      }

      expect(parse(flags, environment).endpoints).toEqual([`h${rank}:1`]);
    },
  );

  test("the default are the two ports of a local member; blanks and empty settings do not count", () => {
    expect(parse({}, { ETCDCTL_ENDPOINTS: "" }).endpoints).toEqual([
      "http://127.0.0.1:2379",
      "http://127.0.0.1:4001",
    ]);
    expect(parse({ endpoints: "a:1, b:2" }).endpoints).toEqual(["a:1", "b:2"]);
  });
});

test("defaults", () => {
  expect(parse({})).toMatchObject({
    sync: true,
    output: "simple",
    debug: false,
    discoverySrv: null,
    certFile: null,
    username: null,
    timeoutMs: 1_000,
    totalTimeoutMs: 5_000,
  });
});

test("flags beat the environment for the TLS files", () => {
  const environment = { ETCDCTL_CERT_FILE: "e.crt", ETCDCTL_KEY_FILE: "e.key", ETCDCTL_CA_FILE: "e.ca" };

  expect(parse({ "cert-file": "f.crt" }, environment)).toMatchObject({
    certFile: "f.crt",
    keyFile: "e.key",
    caFile: "e.ca",
  });
});

test.each([
  [
    { output: "yaml" },
    "Error:  unsupported output format 'yaml': simple, extended, json or table\nSee kvctl --help.",
  ],
  [
    { timeout: "abc" },
    'Error:  flag --timeout must be a duration such as 300ms or 1m30s, got "abc"\nSee kvctl --help.',
  ],
])("%j is wrong usage", (flags, message) => {
  expect(() => parse(flags)).toThrow(expect.objectContaining({ code: "E_USAGE", message }));
});

test.each([
  [{ username: "ann" }, {}, { username: "ann", password: null, passwordFile: null }],
  [{}, { ETCDCTL_USERNAME: "ann", ETCDCTL_PASSWORD: "p" }, { username: "ann", password: "p" }],
  [
    { username: "bob" },
    { ETCDCTL_USERNAME: "ann", ETCDCTL_PASSWORD: "" },
    { username: "bob", password: null },
  ],
  [{ "password-file": "f" }, { ETCDCTL_PASSWORD_FILE: "g" }, { passwordFile: "f" }],
  [{}, { ETCDCTL_PASSWORD_FILE: "g" }, { passwordFile: "g" }],
])("who asks, from %j and %j", (flags, environment, expected) => {
  expect(parse(flags, environment)).toMatchObject(expected);
});

test.each([
  [{}, null],
  [{ HTTP_PROXY: "" }, null],
  [{ NO_PROXY: "h" }, null],
  [{ HTTP_PROXY: "http://p:1" }, { HTTP_PROXY: "http://p:1", NO_PROXY: "localhost,127.0.0.1,::1" }],
  [
    { https_proxy: "http://p:1", no_proxy: "a,.b" },
    { HTTPS_PROXY: "http://p:1", NO_PROXY: "localhost,127.0.0.1,::1,a,.b" },
  ],
])("%j is the proxy %j", (environment, proxy) => {
  expect(parse({}, environment).proxy).toEqual(proxy);
});
