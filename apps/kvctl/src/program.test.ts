import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Printer } from "./print.ts";
import { runProgram } from "./program.ts";

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  argv: readonly string[],
  environment: Record<string, string> = {},
  confirm: ((question: string) => Promise<boolean>) | null = null,
): Promise<Run> {
  let stdout = "";
  let stderr = "";
  const printer = new Printer({
    stdout: { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
  });
  const exitCode = await runProgram(argv, { printer, confirm: () => confirm, environment });
  return { exitCode, stdout, stderr };
}

/** A server for one test; `seen` has the method and URL of each request. */
async function serve(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<AsyncDisposable & { url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(response, request);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const KEY = { action: "get", node: { key: "/a", value: "v", modifiedIndex: 3, createdIndex: 3 } };

describe("help", () => {
  test.each([
    [[]],
    [["help"]],
    [["h"]],
    [["-h"]],
    [["--help"]],
    [["--help", "get"]],
    [["-h", "member", "list"]],
  ])("%j lists the commands on standard output", async (argv) => {
    const { exitCode, stdout, stderr } = await run(argv);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    for (const word of [
      "cluster-health",
      "exec-watch",
      "updatedir",
      "user",
      "role",
      "auth",
      "--endpoints",
      "--total-timeout",
    ]) {
      expect(stdout).toContain(word);
    }
  });

  test.each([
    ["user", /add .*get .*list .*remove .*grant .*revoke .*passwd /s],
    ["role", /add .*get .*list .*remove .*grant .*revoke /s],
    ["auth", /enable .*disable /s],
  ])("%s lists the sub-commands", async (group, names) => {
    const { exitCode, stdout } = await run([group]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(names);
  });

  test.each([[["member"]], [["help", "member"]], [["member", "--help"]]])(
    "%j lists the sub-commands",
    async (argv) => {
      const { exitCode, stdout } = await run(argv);

      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/list .*add .*remove .*update /s);
    },
  );

  test("a command's help names its flags", async () => {
    const { exitCode, stdout } = await run(["set", "--help"]);

    expect(exitCode).toBe(0);
    expect(stdout).toContain("Usage: kvctl set [flags] KEY [VALUE]");
    for (const flag of ["--ttl", "--swap-with-value", "--swap-with-index"]) expect(stdout).toContain(flag);
  });

  test.each([
    [["help", "member", "add"], "Usage: kvctl member add [flags] NAME PEERURL\n"],
    [["member", "help", "add"], "Usage: kvctl member add [flags] NAME PEERURL\n"],
    [["member", "add", "-h"], "Usage: kvctl member add [flags] NAME PEERURL\n"],
    [["member", "add", "n1", "--help"], "Usage: kvctl member add [flags] NAME PEERURL\n"],
    [["help", "get", "/a"], "Usage: kvctl get [flags] KEY\n"],
    [["h", "get"], "Usage: kvctl get [flags] KEY\n"],
    [["member", "-h", "add"], "Usage: kvctl member COMMAND\n"],
    [["member", "help"], "Usage: kvctl member COMMAND\n"],
    [["member", "help", "help"], "Usage: kvctl member COMMAND\n"],
    [["help", "help"], "Usage: kvctl [global flags] COMMAND"],
    [["help", "--help"], "Usage: kvctl [global flags] COMMAND"],
    [["help", "-h", "get"], "Usage: kvctl get [flags] KEY\n"],
  ])("%j explains what is named", async (argv, usage) => {
    const { exitCode, stdout, stderr } = await run(argv);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.slice(0, usage.length)).toBe(usage);
  });

  test.each(["--version", "-v", "version"])("%s names program and version", async (flag) => {
    const { exitCode, stdout } = await run([flag]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^kvctl version \d+\.\d+\.\d+\n$/);
  });
});

describe("wrong usage", () => {
  test.each([
    [["nope"], "Error:  unknown command 'nope'\nSee kvctl --help.\n"],
    [["upgrade"], "unknown command 'upgrade'"],
    [["gett", "/a"], "Error:  unknown command 'gett'\n(Did you mean get?)\nSee kvctl --help.\n"],
    [["help", "gett"], "(Did you mean get?)\nSee kvctl --help.\n"],
    [["member", "lst"], "(Did you mean list?)\nSee kvctl member --help.\n"],
    [["help", "member", "lst"], "(Did you mean list?)\nSee kvctl member --help.\n"],
    [["member", "-x"], "unknown flag '-x'\nSee kvctl member --help.\n"],
    [["get", "--nope", "/a"], "unknown flag '--nope'\nSee kvctl get --help.\n"],
    [["get", "--qourum", "/a"], "(Did you mean --quorum?)\nSee kvctl get --help.\n"],
    [
      ["get", "/a", "-o", "json"],
      "flag '-o' is a global one and stands before the command\nSee kvctl --help.\n",
    ],
    [["member", "--debug", "list"], "flag '--debug' is a global one and stands before the command\n"],
    [["--foo.bar", "get"], "unknown flag '--foo.bar'\n"],
    [["-1", "get"], "unknown flag '-1'\n"],
    [["get", "--foo.bar"], "unknown flag '--foo.bar'\nSee kvctl get --help.\n"],
    [["--frob", "get", "/a"], "unknown flag '--frob'\nSee kvctl --help.\n"],
    [["--endpoint"], "flag --endpoint needs a value\nSee kvctl --help.\n"],
    [["set", "/a", "v", "--ttl"], "flag --ttl needs a value\nSee kvctl set --help.\n"],
    [
      ["set", "/a", "v", "--ttl", "soon"],
      'flag --ttl must be an integer, got "soon"\nSee kvctl set --help.\n',
    ],
    [["--timeout", "abc", "get", "/a"], 'such as 300ms or 1m30s, got "abc"\nSee kvctl --help.\n'],
    [
      ["-o", "yaml", "get", "/a"],
      "unsupported output format 'yaml': simple, extended, json or table\nSee kvctl --help.\n",
    ],
    [["watch", "/a", "--count", "0"], "--count must be at least 1"],
    [["watch", "/a", "--after-index", "-5"], "--after-index must not be negative"],
    [["-o", "table", "watch"], "key required"],
    [["import", "/a", "file"], "one key at most; a file is named by --file"],
    [["export", "/a", "/b"], "one key at most"],
    [["ls", "--recursive=maybe"], 'invalid boolean value "maybe"'],
  ])("%j says why on standard error and exits with 1", async (argv, reason) => {
    const { exitCode, stdout, stderr } = await run(argv);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(reason);
  });
});

describe("-o table", () => {
  const at = { modifiedIndex: 4, createdIndex: 3 };

  test("ls shows keys with values, TTLs and indexes, and directories with a slash", async () => {
    const file = { key: "/d/a", value: "v", ttl: 5, expiration: "2026-01-01T00:00:00Z", ...at };
    const nodes = [file, { key: "/d/e", dir: true, nodes: [{ key: "/d/e/f", value: "w", ...at }], ...at }];
    await using server = await serve((response) => {
      response.end(JSON.stringify({ action: "get", node: { key: "/d", dir: true, nodes, ...at } }));
    });

    const { exitCode, stdout } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "-o",
      "table",
      "ls",
      "/d",
    ]);

    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      "KEY     TYPE  VALUE  TTL  CREATED  MODIFIED\n" +
        "/d/a    file  v      5    3        4\n" +
        "/d/e/   dir               3        4\n" +
        "/d/e/f  file  w           3        4\n",
    );
  });

  test("ls of a file is its row", async () => {
    await using server = await serve((response) => response.end(JSON.stringify(KEY)));

    const { stdout } = await run(["--no-sync", "--endpoints", server.url, "-o", "table", "ls", "/a"]);

    expect(stdout).toBe("KEY  TYPE  VALUE  TTL  CREATED  MODIFIED\n/a   file  v           3        3\n");
  });

  test("member list shows who leads", async () => {
    const n1 = { id: "1", name: "n1", peerURLs: ["http://h:1"], clientURLs: ["http://h:2", "http://h:3"] };
    const n2 = { id: "2", name: "", peerURLs: ["http://h:4"], clientURLs: [] };
    await using server = await serve((response, { url }) => {
      response.end(JSON.stringify(url === "/v2/members" ? { members: [n1, n2] } : n1));
    });

    const argv = ["--no-sync", "--endpoints", server.url, "-o", "table", "member", "list"];

    expect((await run(argv)).stdout).toBe(
      "ID  NAME  PEER URLS   CLIENT URLS            LEADER\n" +
        "1   n1    http://h:1  http://h:2,http://h:3  yes\n" +
        "2         http://h:4                         no\n",
    );
  });

  test("a command without a table says so before it asks a server", async () => {
    expect(await run(["-o", "table", "get", "/a"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "Error:  there is no table of what kvctl get prints\nSee kvctl get --help.\n",
    });
  });
});

describe("rm --recursive", () => {
  const at = { modifiedIndex: 3, createdIndex: 3 };
  const leaf = { key: "/d/a", value: "v", ...at };
  const tree = {
    key: "/d",
    dir: true,
    nodes: [leaf, { key: "/d/e", dir: true, nodes: [leaf], ...at }],
    ...at,
  };

  async function remove(...words: readonly string[]): Promise<Run & { seen: string[]; questions: string[] }> {
    await using server = await serve((response, { method }) => {
      response.end(JSON.stringify({ action: method === "GET" ? "get" : "delete", node: tree }));
    });
    const questions: string[] = [];
    const [answer, ...flags] = words;
    const confirm = (question: string): Promise<boolean> => {
      questions.push(question);
      return Promise.resolve(answer === "yes");
    };
    const argv = ["--no-sync", "--endpoints", server.url, "rm", "--recursive", ...flags, "/d"];
    const done = await run(argv, {}, answer === "nobody" ? null : confirm);
    return { ...done, seen: server.seen.map((line) => line.split(" ", 1)[0] ?? ""), questions };
  }

  test("asks whoever is there, with the number of keys", async () => {
    expect(await remove("yes")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
      seen: ["GET", "DELETE"],
      questions: ["Remove /d with 3 keys in it? [y/N] "],
    });
  });

  test("connects anew for the removal, so that --total-timeout does not run while the user thinks", async () => {
    let url = "";
    await using server = await serve((response, { method, url: path }) => {
      const members = [{ id: "1", name: "n1", peerURLs: ["http://h:1"], clientURLs: [url] }];
      const event = { action: method === "GET" ? "get" : "delete", node: tree };
      response.end(JSON.stringify(path === "/v2/members" ? { members } : event));
    });
    url = server.url;

    await run(["--endpoints", url, "rm", "--recursive", "/d"], {}, () => Promise.resolve(true));

    expect(server.seen.map((line) => line.split("?", 1)[0])).toEqual([
      "GET /v2/members",
      "GET /v2/keys/d",
      "GET /v2/members",
      "DELETE /v2/keys/d",
    ]);
  });

  test("names the root", async () => {
    const root = { ...tree, key: undefined };
    await using server = await serve((response) =>
      response.end(JSON.stringify({ action: "get", node: root })),
    );
    const questions: string[] = [];
    const confirm = (question: string): Promise<boolean> => {
      questions.push(question);
      return Promise.resolve(false);
    };

    await run(["--no-sync", "--endpoints", server.url, "rm", "--recursive", "/"], {}, confirm);

    expect(questions).toEqual(["Remove / with 3 keys in it? [y/N] "]);
  });

  test("removes nothing without a yes", async () => {
    expect(await remove("no")).toMatchObject({
      exitCode: 1,
      stderr: "nothing was removed\n",
      seen: ["GET"],
    });
  });

  test.each([["nobody"], ["no", "--yes"]])("does not ask with %j", async (...words) => {
    expect(await remove(...words)).toMatchObject({ exitCode: 0, seen: ["DELETE"], questions: [] });
  });
});

async function removeMember(
  answer: boolean | null,
  ...flags: readonly string[]
): Promise<Run & { seen: string[]; questions: string[] }> {
  const members = [{ id: "abc", name: "n1", peerURLs: ["http://h:1"], clientURLs: ["http://h:2"] }];
  await using server = await serve((response) => response.end(JSON.stringify({ members })));
  const questions: string[] = [];
  const confirm = (question: string): Promise<boolean> => {
    questions.push(question);
    return Promise.resolve(answer === true);
  };
  const argv = ["--no-sync", "--endpoints", server.url, "member", "remove", ...flags, "abc"];
  const done = await run(argv, {}, answer === null ? null : confirm);
  return { ...done, seen: server.seen, questions };
}

describe("member remove", () => {
  const QUESTION = "Remove member abc (n1) for good? [y/N] ";
  const LIST = "GET /v2/members";
  const REMOVE = "DELETE /v2/members/abc";

  test.each<[string, boolean | null, string[], object]>([
    ["with a yes", true, [], { exitCode: 0, seen: [LIST, REMOVE], questions: [QUESTION] }],
    [
      "without a yes",
      false,
      [],
      { exitCode: 1, stderr: "nothing was removed\n", seen: [LIST], questions: [QUESTION] },
    ],
    ["for a script", null, [], { exitCode: 0, seen: [LIST, REMOVE], questions: [] }],
    ["with --yes", false, ["--yes"], { exitCode: 0, seen: [LIST, REMOVE], questions: [] }],
  ])("%s", async (_what, answer, flags, expected) => {
    expect(await removeMember(answer, ...flags)).toMatchObject(expected);
  });
});

describe("files", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "kvctl-program-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function file(name: string, content: string): string {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  }

  test.each([
    ["the file", ["--password-file"], {}, "from the file"],
    ["the file before the variable", ["--password-file"], { ETCDCTL_PASSWORD: "variable" }, "from the file"],
    ["the variable", [], { ETCDCTL_PASSWORD: "variable" }, "variable"],
  ])("the password is that of %s", async (_what, flags, environment, password) => {
    let sent: string | undefined;
    await using server = await serve((response, { headers }) => {
      sent = headers.authorization;
      response.end(JSON.stringify(KEY));
    });
    const path = file("password", "from the file\r\n");
    const argv = [
      "--no-sync",
      "--endpoints",
      server.url,
      "-u",
      "ann",
      ...flags.flatMap((flag) => [flag, path]),
    ];

    expect((await run([...argv, "get", "/a"], environment)).exitCode).toBe(0);
    expect(sent).toBe(`Basic ${Buffer.from(`ann:${password}`).toString("base64")}`);
  });

  test("certificates that are none are named", async () => {
    const [cert, key] = [file("cert", "no certificate"), file("key", "no key")];

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--cert-file",
      cert,
      "--key-file",
      key,
      "get",
      "/a",
    ]);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Error: {2}.*\n$/);
    expect(stderr).toContain(`${cert}, ${key}: `);
  });

  test("blank lines of an export are none, whatever ends them", async () => {
    await using server = await serve((response) => response.end(JSON.stringify(KEY)));
    const path = file("export", '{"key":"","value":"v"}\r\n\r\n\n  \n');

    expect(await run(["--no-sync", "--endpoints", server.url, "diff", "/a", "--file", path])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
  });
});

describe("with a server", () => {
  test("host:port is an endpoint", async () => {
    await using server = await serve((response) => response.end(JSON.stringify(KEY)));

    const { stdout } = await run(["--no-sync", "get", "/a"], {
      ETCDCTL_ENDPOINTS: server.url.replace("http://", ""),
    });

    expect(stdout).toBe("v\n");
    expect(server.seen).toEqual(["GET /v2/keys/a?quorum=false&recursive=false&sorted=false"]);
  });

  test("an endpoint elsewhere is asked through the proxy", async () => {
    await using proxy = await serve((response) => response.end(JSON.stringify(KEY)));

    const { stdout } = await run(["--no-sync", "--endpoints", "http://etcd.invalid:2379", "get", "/a"], {
      http_proxy: proxy.url,
    });

    expect(stdout).toBe("v\n");
    expect(proxy.seen).toEqual([
      "GET http://etcd.invalid:2379/v2/keys/a?quorum=false&recursive=false&sorted=false",
    ]);
  });

  test("--timeout is for the head of the answer, as etcdctl's", async () => {
    await using server = await serve((response) => {
      response.write('{"action":"get","node":');
      setTimeout(() => response.end(`${JSON.stringify(KEY.node)}}`), 1_300);
    });

    const argv = ["--no-sync", "--timeout", "1s", "--endpoints", server.url, "get", "/a"];

    expect(await run(argv)).toEqual({ exitCode: 0, stdout: "v\n", stderr: "" });
  });

  test.each([
    [
      true,
      "These are the URLs that the members advertise. With --no-sync the endpoints are used as they are given.\n",
    ],
    [false, ""],
  ])("advertised URLs that nobody answers at are explained to who watches: %j", async (isTerminal, hint) => {
    const members = [{ id: "1", name: "n1", peerURLs: ["http://h:1"], clientURLs: ["http://127.0.0.1:1"] }];
    await using server = await serve((response) => response.end(JSON.stringify({ members })));
    let stderr = "";
    const printer = new Printer({
      stdout: { write: () => undefined },
      stderr: { write: (text) => void (stderr += text), isTerminal: () => isTerminal },
    });

    const argv = ["--endpoints", server.url, "get", "/a"];
    const exitCode = await runProgram(argv, { printer, confirm: () => null, environment: {} });

    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      "Error:  client: etcd cluster is unavailable or misconfigured\n" +
        `error #0: connect ECONNREFUSED 127.0.0.1:1\n\n${hint}`,
    );
  });

  test.each([
    ["get", "/a"],
    ["member", "list"],
  ])("endpoints that nobody answers at are not those of members: %s %s", async (...words) => {
    let stderr = "";
    const printer = new Printer({
      stdout: { write: () => undefined },
      stderr: { write: (text) => void (stderr += text), isTerminal: () => true },
    });
    const argv = ["--endpoints", "http://127.0.0.1:1", ...words];

    await runProgram(argv, { printer, confirm: () => null, environment: {} });

    expect(stderr).toContain("cluster is unavailable");
    expect(stderr).not.toContain("advertise");
  });

  test("a cluster that advertises nothing is named, with the way out", async () => {
    await using server = await serve((response) => response.end('{"members":[]}'));

    const { exitCode, stderr } = await run(["--endpoints", server.url, "get", "/a"]);

    expect(exitCode).toBe(4);
    expect(stderr).toContain("etcd cluster has no published client endpoints.\nTry '--no-sync'");
  });

  test("a write that may have been carried out is not sent to the other endpoint", async () => {
    await using first = await serve((response) => response.destroy());
    await using second = await serve((response) => response.destroy());

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--endpoints",
      `${first.url},${second.url}`,
      "set",
      "/a",
      "v",
    ]);

    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /^Error: {2}client: etcd cluster is unavailable or misconfigured\nerror #0: .*\n\n$/,
    );
    expect([...first.seen, ...second.seen]).toEqual(["PUT /v2/keys/a"]);
  });

  test("a total timeout of 0 is no limit", async () => {
    await using server = await serve((response) => response.end(JSON.stringify(KEY)));

    const { exitCode } = await run([
      "--no-sync",
      "--total-timeout",
      "0",
      "--endpoints",
      server.url,
      "get",
      "/a",
    ]);

    expect(exitCode).toBe(0);
  });

  test("the total timeout ends the command", async () => {
    await using server = await serve(() => undefined);

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--total-timeout",
      "20ms",
      "--endpoints",
      server.url,
      "get",
      "/a",
    ]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: "Error:  context deadline exceeded\n" });
  });

  test("a watch whose server goes away is taken up once, and then fails even with --forever", async () => {
    await using server = await serve((response) => response.destroy());

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "watch",
      "--forever",
      "/a",
    ]);

    expect(exitCode).toBe(4);
    expect(stderr).toContain("client: etcd cluster is unavailable or misconfigured");
    expect(server.seen).toEqual([
      "GET /v2/keys/a?recursive=false&wait=true",
      "GET /v2/keys/a?recursive=false&wait=true",
    ]);
  });

  test("a watch of a history that is gone fails with the server's error", async () => {
    const cleared = {
      errorCode: 401,
      message: "The event in requested index is outdated and cleared",
      cause: "the requested history has been cleared [51/2]",
      index: 1050,
    };
    await using server = await serve((response) => response.writeHead(400).end(JSON.stringify(cleared)));

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "watch",
      "--after-index",
      "1",
      "/a",
    ]);

    expect(exitCode).toBe(4);
    expect(stderr).toBe(
      "Error:  401: The event in requested index is outdated and cleared (the requested history has been cleared [51/2]) [1050]\n",
    );
    expect(server.seen).toEqual(["GET /v2/keys/a?recursive=false&wait=true&waitIndex=2"]);
  });

  test("changes of directories are not printed, nor their expiry by a server that does not say so of the node", async () => {
    const directory = { action: "set", node: { key: "/a/d", dir: true, modifiedIndex: 4, createdIndex: 4 } };
    const expired = {
      action: "expire",
      node: { key: "/a/d", modifiedIndex: 5, createdIndex: 4 },
      prevNode: directory.node,
    };
    const answers = [directory, expired, { ...KEY, action: "set" }];
    await using server = await serve((response) => response.end(JSON.stringify(answers.shift())));

    const { stdout } = await run(["--no-sync", "--endpoints", server.url, "watch", "--recursive", "/a"]);

    expect(stdout).toBe("[set] /a\nv\n");
  });

  test("removing a member by its name shows its ID instead", async () => {
    const n1 = { id: "abc", name: "n1", peerURLs: ["http://h:1"], clientURLs: ["http://h:2"] };
    await using server = await serve((response) => response.end(JSON.stringify({ members: [n1] })));

    const { exitCode, stderr } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "member",
      "remove",
      "n1",
    ]);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^Found a member named n1; .*\n\tkvctl member remove abc\n.*\n\nCouldn't find a member in the cluster with an ID of n1.\n$/,
    );
    expect(server.seen).toEqual(["GET /v2/members"]);
  });

  test("adding a member prints the settings to start it with", async () => {
    const n1 = { id: "1", name: "n1", peerURLs: ["http://h:1"], clientURLs: ["http://h:2"] };
    const added = { id: "2", name: "", peerURLs: ["http://h:3"], clientURLs: [] };
    await using server = await serve((response, { method }) => {
      response.end(JSON.stringify(method === "POST" ? added : { members: [n1, added] }));
    });

    const { stdout } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "member",
      "add",
      "newone",
      "http://h:3",
    ]);

    expect(stdout).toBe(
      "Added member named newone with ID 2 to cluster\n\n" +
        'ETCD_NAME="newone"\nETCD_INITIAL_CLUSTER="n1=http://h:1,newone=http://h:3"\nETCD_INITIAL_CLUSTER_STATE="existing"\n',
    );
  });

  test("a member without client URLs, or with bad health, is not healthy", async () => {
    await using sick = await serve((response) => response.writeHead(503).end('{"health": "false"}\n'));
    const members = [
      { id: "1", name: "", peerURLs: ["http://h:1"], clientURLs: [] },
      { id: "2", name: "n2", peerURLs: ["http://h:3"], clientURLs: [sick.url] },
    ];
    await using server = await serve((response) => response.end(JSON.stringify({ members })));

    const { exitCode, stdout } = await run(["--endpoints", server.url, "cluster-health"]);

    expect(exitCode).toBe(5);
    expect(stdout).toBe(
      "member 1 is unreachable: no available published client urls\n" +
        `member 2 is unhealthy: got unhealthy result from ${sick.url}\n` +
        "cluster is unhealthy\n",
    );
  });

  test("cluster-health without a member list says so", async () => {
    await using server = await serve((response) => response.destroy());

    const { exitCode, stdout, stderr } = await run(["--endpoints", server.url, "cluster-health"]);

    expect(exitCode).toBe(4);
    expect(stdout).toBe("cluster may be unhealthy: failed to list members\n");
    expect(stderr).toContain("error #0:");
  });
});

describe("users and roles", () => {
  test.each([404, 200])("user add asks first: %i", async (status) => {
    await using server = await serve((response, request) => {
      if (request.method === "GET") response.statusCode = status;
      const missing = { message: status === 404 ? "auth: User u1 does not exist." : "" };
      response.end(JSON.stringify({ user: "u1", roles: [], ...(status === 404 ? missing : {}) }));
    });

    const { exitCode, stdout, stderr } = await run([
      "--no-sync",
      "--endpoints",
      server.url,
      "user",
      "add",
      "u1:p",
    ]);

    expect({ exitCode, stdout, stderr }).toEqual(
      status === 404
        ? { exitCode: 0, stdout: "User u1 created\n", stderr: "" }
        : { exitCode: 1, stdout: "", stderr: "User u1 already exists\n" },
    );
  });

  test("a user with a role that does not exist is one, and keeps its password", async () => {
    await using server = await serve((response) => {
      response.statusCode = 404;
      response.end('{"message":"auth: Role gone does not exist."}');
    });

    const { exitCode, stderr } = await run(["--no-sync", "--endpoints", server.url, "user", "add", "u1:p"]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "User u1 already exists\n" });
    expect(server.seen).toEqual(["GET /v2/auth/users/u1"]);
  });

  test.each([
    [["role", "add"], "Please provide a role name"],
    [["role", "grant", "r"], "No path specified; please use `-path`"],
    [["role", "grant", "r", "--path", "a/../b/", "--read"], "Not canonical path; please use `-path=/b/`"],
    [["role", "revoke", "r", "--path", "/a"], "Please specify exactly one of -read, -write or -readwrite"],
    [["role", "list", "x"], "No arguments accepted"],
    [["user", "revoke", "u"], "No roles specified; please use `-roles`"],
    [["user", "passwd"], "Please provide a username"],
    [["user", "remove", "u", "v"], "Please provide a username"],
    [["auth", "disable", "x"], "No arguments accepted"],
  ])("%j: %s", async (argv, message) => {
    expect(await run(argv)).toEqual({ exitCode: 1, stdout: "", stderr: `${message}\n` });
  });

  test("role add says that a role is there already", async () => {
    await using server = await serve((response) => {
      response.statusCode = 409;
      response.end('{"message":"auth: Role r already exists."}');
    });

    const { exitCode, stderr } = await run(["--no-sync", "--endpoints", server.url, "role", "add", "r"]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "Role r already exists\n" });
  });
});
