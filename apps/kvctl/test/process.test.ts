// What only a whole process can show: the pipe, the terminal's interrupt, and what a start loads.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createSocketServer } from "node:net";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const KVCTL = fileURLToPath(new URL("../dist/main.js", import.meta.url));
/** Code is kept in a HOME of the test's, or not at all. */
const NO_CODE_CACHE = { NODE_DISABLE_COMPILE_CACHE: "1" };
/** Nothing of the developer's: neither settings nor code. */
const ENVIRONMENT = { PATH: process.env["PATH"], ...NO_CODE_CACHE };
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function start(...argv: readonly string[]): ChildProcess & { text: { stdout: string; stderr: string } } {
  const child = spawn(process.execPath, [KVCTL, ...argv], {
    stdio: "pipe",
    env: ENVIRONMENT,
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  closers.push(() => child.kill("SIGKILL"));
  return Object.assign(child, { text });
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return `http://127.0.0.1:${address.port}`;
}

test("a password is asked for on standard output, read from a pipe and sent", async () => {
  const { promise: authorization, resolve } = Promise.withResolvers<string | undefined>();
  const url = await serve((request, response) => {
    resolve(request.headers.authorization);
    response.end('{"action":"get","node":{"key":"/a","value":"v","modifiedIndex":3,"createdIndex":3}}');
  });

  const child = start("--no-sync", "--endpoints", url, "-u", "root", "get", "/a");
  child.stdin?.end("secret:word\n");
  const [code] = await once(child, "close");

  expect(await authorization).toBe(`Basic ${Buffer.from("root:secret:word").toString("base64")}`);
  expect({ code, ...child.text }).toEqual({ code: 0, stdout: "Password: v\n", stderr: "" });
});

test.each([
  [["user", "passwd", "u1"], 200, "New password: Password updated\n", '{"user":"u1","password":"new:pw"}'],
  [["user", "add", "u1"], 404, "New password: User u1 created\n", '{"user":"u1","password":"new:pw"}'],
  [["user", "add", "u1:p:w"], 404, "User u1 created\n", '{"user":"u1","password":"p:w"}'],
])("%j sends what is given, or asked for", async (words, status, stdout, sent) => {
  const { promise: body, resolve } = Promise.withResolvers<string>();
  const url = await serve((request, response) => {
    if (request.method === "PUT") {
      request.setEncoding("utf8").once("data", resolve);
      response.end('{"user":"u1","roles":null}');
      return;
    }
    response.statusCode = status;
    response.end(status === 200 ? '{"user":"u1"}' : '{"message":"auth: User u1 does not exist."}');
  });

  const child = start("--no-sync", "--endpoints", url, ...words);
  child.stdin?.end("new:pw\n");
  const [code] = await once(child, "close");

  expect({ code, ...child.text }).toEqual({ code: 0, stdout, stderr: "" });
  expect(await body).toBe(sent);
});

/** A directory whose keys are more than a pipe holds, and whose values are more than a socket does. */
const MANY = Array.from({ length: 5_000 }, (_, i) => ({
  key: `/some/longer/key/${i}`,
  value: "v".repeat(4_000),
  modifiedIndex: 3,
  createdIndex: 3,
}));
const PATIENCE = ["--no-sync", "--timeout", "1m", "--total-timeout", "0", "--endpoints"];

function serveMany(): Promise<string> {
  return serve((_request, response) => {
    response.end(JSON.stringify({ action: "get", node: { key: "", dir: true, nodes: MANY } }));
  });
}

test("a reader that goes away ends the program without a complaint", async () => {
  const child = start(...PATIENCE, await serveMany(), "ls");
  child.stdout?.once("data", () => child.stdout?.destroy());
  const [code] = await once(child, "close");

  expect({ code, stderr: child.text.stderr }).toEqual({ code: 0, stderr: "" });
});

test("an interrupt is heard while nobody reads what is printed", async () => {
  const value = "v".repeat(1_000_000); // more than a pipe holds
  const change = { action: "set", node: { key: "/a", value, modifiedIndex: 3, createdIndex: 3 } };
  const { promise: goesOn, resolve: onSecond } = Promise.withResolvers<void>();
  const { promise: watchEnds, resolve: onEnd } = Promise.withResolvers<void>();
  let requestCount = 0;
  const url = await serve((request, response) => {
    if (++requestCount === 1) response.end(JSON.stringify(change));
    else {
      onSecond(); // the change has been printed as far as it goes
      request.once("close", onEnd);
    }
  });
  const argv = [KVCTL, ...PATIENCE, url, "watch", "--forever", "/a"];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"], env: ENVIRONMENT });
  closers.push(() => child.kill("SIGKILL"));
  await goesOn;

  child.kill("SIGINT");
  await watchEnds;
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = await once(child, "close");

  expect(code).toBe(0);
  expect(output === `${value}\n`).toBe(true);
});

test("standard output that must not be blocked, because standard input is the same socket, gets everything", async () => {
  const url = await serveMany();
  const listener = createSocketServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  closers.push(() => listener.close());
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  const reader = connect(address.port, "127.0.0.1").setEncoding("utf8");
  const [socket] = await once(listener, "connection");

  const child = spawn(process.execPath, [KVCTL, ...PATIENCE, url, "diff", "/", "--file", "-"], {
    stdio: [socket, socket, "inherit"],
    env: ENVIRONMENT,
  });
  const closed = once(child, "close");
  socket.destroy(); // the child has its own
  reader.end("\n");
  let output = "";
  for await (const text of reader) output += text;

  expect(await closed).toEqual([6, null]);
  expect(output.trimEnd().split("\n")).toHaveLength(MANY.length + 1);
});

test("an interrupt ends a waiting watch with exit status 0", async () => {
  const { promise: watching, resolve } = Promise.withResolvers<void>();
  const url = await serve(() => resolve());

  const child = start("--no-sync", "--timeout", "1m", "--endpoints", url, "watch", "--forever", "/a");
  await watching;
  child.kill("SIGINT");
  const [code] = await once(child, "close");

  expect({ code, ...child.text }).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("exec-watch ends behind the programs that it has started", async () => {
  const directory = mkdtempSync(join(tmpdir(), "kvctl-exec-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const mark = join(directory, "mark");
  const { promise: second, resolve } = Promise.withResolvers<void>();
  let requestCount = 0;
  const url = await serve((_request, response) => {
    if (++requestCount === 1)
      response.end('{"action":"set","node":{"key":"/a","value":"v","modifiedIndex":3,"createdIndex":3}}');
    else resolve();
  });
  // Ignores the interrupt, says that it runs, and takes its time.
  const script = `trap '' INT; echo runs; sleep 1; echo > '${mark}'`;
  const child = start(...PATIENCE, url, "exec-watch", "/a", "--", "sh", "-c", script);
  await Promise.all([second, once(child.stdout ?? child, "data")]);

  child.kill("SIGINT");
  const [code] = await once(child, "exit");

  expect({ code, isDone: existsSync(mark) }).toEqual({ code: 0, isDone: true });
});

test("exec-watch hands the change to the program and goes on", async () => {
  const { promise: second, resolve } = Promise.withResolvers<void>();
  let requestCount = 0;
  const url = await serve((_request, response) => {
    if (++requestCount === 1)
      response.end('{"action":"set","node":{"key":"/a","value":"v 1","modifiedIndex":3,"createdIndex":3}}');
    else resolve();
  });

  const script =
    'console.log(Object.entries(process.env).filter(([n]) => n.startsWith("ETCD_WATCH_")).map(String).sort().join(";"))';
  const child = start(
    "--no-sync",
    "--timeout",
    "1m",
    "--endpoints",
    url,
    "exec-watch",
    "/a",
    "--",
    process.execPath,
    "-e",
    script,
  );
  await Promise.all([second, once(child.stdout ?? child, "data")]);
  child.kill("SIGINT");
  const [code] = await once(child, "close");

  expect(code).toBe(0);
  expect(child.text.stdout).toBe(
    "ETCD_WATCH_ACTION,set;ETCD_WATCH_KEY,/a;ETCD_WATCH_MODIFIED_INDEX,3;ETCD_WATCH_VALUE,v 1\n",
  );
});

/** Runs kvctl on a pseudo-terminal of util-linux's script and types `input` when `prompt` shows up. */
async function onTerminal(
  argv: readonly string[],
  { prompt = "\n", input = "", env = {} }: { prompt?: string; input?: string; env?: Record<string, string> },
): Promise<{ readonly code: unknown; readonly screen: string }> {
  // The shell that script starts makes way for it: an interrupt is for kvctl, and so is its exit status.
  const command = `exec ${[process.execPath, KVCTL, ...argv].map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    stdio: "pipe",
    env: { ...ENVIRONMENT, TERM: "xterm-256color", ...env },
  });
  closers.push(() => child.kill("SIGKILL"));
  let screen = "";
  let isTyped = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (isTyped || !screen.includes(prompt)) return;
    isTyped = true;
    child.stdin.write(input);
  });
  const [code] = await once(child, "close");
  return { code, screen };
}

describe.runIf(hasTerminal())("on a terminal", () => {
  const at = { modifiedIndex: 3, createdIndex: 3 };
  const tree = { key: "/d", dir: true, nodes: [{ key: "/d/a", value: "v", ...at }], ...at };

  test.each([
    ["y\r", 0, ["GET", "DELETE"]],
    ["n\r", 1, ["GET"]],
    ["\r", 1, ["GET"]],
    ["\u0003", 1, ["GET"]],
    ["\u0004", 1, ["GET"]],
  ])("rm --recursive asks, and %j exits with %i", async (input, code, methods) => {
    const seen: (string | undefined)[] = [];
    const url = await serve(({ method }, response) => {
      seen.push(method);
      response.end(JSON.stringify({ action: method === "GET" ? "get" : "delete", node: tree }));
    });

    const argv = [
      "--no-sync",
      "--timeout",
      "1m",
      "--total-timeout",
      "0",
      "--endpoints",
      url,
      "rm",
      "--recursive",
      "/d",
    ];
    const result = await onTerminal(argv, { prompt: "[y/N] ", input });

    expect(result.code).toBe(code);
    expect(result.screen).toContain("Remove /d with 1 key in it? [y/N] ");
    expect(seen).toEqual(methods);
  });

  test.each([
    ["colours", {}, true],
    ["no colours with NO_COLOR", { NO_COLOR: "1" }, false],
    ["no colours with NO_COLOR, whatever else is set", { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ["no colours where there are none", { TERM: "dumb" }, false],
  ])("diff prints %s", async (_what, env, isColored) => {
    const url = await serve(({ url: path }, response) => {
      const key = path?.includes("/other") === true ? "/other" : "/d";
      response.end(JSON.stringify({ action: "get", node: { key, value: key, ...at } }));
    });

    const argv = [
      "--no-sync",
      "--timeout",
      "1m",
      "--total-timeout",
      "0",
      "--endpoints",
      url,
      "diff",
      "/d",
      "/other",
    ];
    const { code, screen } = await onTerminal(argv, { env });

    expect(code).toBe(6);
    expect(screen.includes("\u001b[31m-")).toBe(isColored);
    expect(screen.includes("\u001b")).toBe(isColored);
    expect(screen).toContain('"/other"');
  });
});

/** A cluster of one member, healthy or not, as `cluster-health --watch` asks for it. */
function serveMember(health: boolean): Promise<string> {
  return serve(({ url, headers }, response) => {
    response.setHeader("X-Etcd-Index", 7).setHeader("X-Raft-Index", 12).setHeader("X-Raft-Term", 3);
    const member = { id: "a1", name: "one", peerURLs: [], clientURLs: [`http://${headers.host}`] };
    const self = { name: "one", id: "a1", state: "StateLeader", startTime: "", leaderInfo: { leader: "a1" } };
    const answers: Readonly<Record<string, object>> = {
      "/v2/members": { members: [member] },
      "/health": { health: String(health) },
      "/v2/stats/self": {
        ...self,
        leaderInfo: { leader: "a1", uptime: "", startTime: "" },
        recvAppendRequestCnt: 0,
        sendAppendRequestCnt: 0,
      },
    };
    response.end(JSON.stringify(answers[url ?? ""] ?? {}));
  });
}

describe.each([
  [true, 0, "1 of 1 members healthy, leader one"],
  [false, 5, "0 of 1 members healthy, leader one"],
])("cluster-health --watch of a member whose health is %s", (health, status, summary) => {
  const ROW = /a1 +one +(?:un)?healthy +yes +3 +12 +[\d.]+ ms +http:/;

  test(`prints plain lines into a pipe, and an interrupt ends it with ${status}`, async () => {
    const child = start(
      "--endpoints",
      await serveMember(health),
      "cluster-health",
      "--watch",
      "--interval",
      "10ms",
    );
    while (child.text.stdout.split(summary).length < 4) await once(child.stdout ?? child, "data");
    child.kill("SIGINT");
    const [code] = await once(child, "close");

    expect({ code, stderr: child.text.stderr }).toEqual({ code: status, stderr: "" });
    expect(child.text.stdout).toMatch(ROW);
    expect(child.text.stdout).not.toContain("\u001b");
  });

  test.runIf(hasTerminal())(
    `draws over itself on a terminal, and Ctrl-C ends it with ${status}`,
    async () => {
      const argv = [
        "--endpoints",
        await serveMember(health),
        "cluster-health",
        "--watch",
        "--interval",
        "10ms",
      ];

      // Interrupted when the second picture follows the first.
      const { code, screen } = await onTerminal(argv, { prompt: "\u001b[J\u001b[H", input: "\u0003" });

      expect(code).toBe(status);
      expect(screen).toContain(`${summary}\u001b[K`);
      expect(screen).toMatch(ROW);
      expect(screen).toContain(health ? "\u001b[32ma1" : "\u001b[31ma1");
    },
  );
});

describe.runIf(hasTerminal())("on a terminal", () => {
  const patience = ["--no-sync", "--timeout", "1m", "--total-timeout", "0", "--endpoints"];
  const answer = JSON.stringify({
    action: "set",
    node: { key: "/a", value: "", modifiedIndex: 3, createdIndex: 3 },
  });

  test("import counts on a line that is gone at the end", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kvctl-terminal-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    const file = { Value: "1", ExpireTime: "0001-01-01T00:00:00Z", Children: null };
    const snap = join(directory, "s.json");
    writeFileSync(snap, JSON.stringify({ Root: { Children: { a: file, b: file } } }));
    const url = await serve((_request, response) => response.end(answer));

    const { code, screen } = await onTerminal([...patience, url, "import", "--snap", snap], {});

    expect(code).toBe(0);
    expect(screen).toMatch(/\r1 of 2 \.\.\.[^]*\r {10}\r/);
    expect(screen.split("\r\n").slice(-2)).toEqual([
      expect.stringContaining("finished importing 2 keys"),
      "",
    ]);
  });

  test("a password is asked for and not echoed", async () => {
    const { promise: authorization, resolve } = Promise.withResolvers<string | undefined>();
    const url = await serve(({ headers }, response) => {
      resolve(headers.authorization);
      response.end(answer);
    });

    const argv = [...patience, url, "-u", "root", "get", "/a"];
    const { code, screen } = await onTerminal(argv, { prompt: "Password: ", input: "secret\r" });

    expect(code).toBe(0);
    expect(await authorization).toBe(`Basic ${Buffer.from("root:secret").toString("base64")}`);
    expect(screen).toBe("Password: \r\n\r\n");
  });

  test("NO_COLOR takes the colours, not the drawing", async () => {
    const argv = ["--endpoints", await serveMember(true), "cluster-health", "--watch", "--interval", "10ms"];
    const env = { NO_COLOR: "1" };

    const { screen } = await onTerminal(argv, { prompt: "\u001b[J\u001b[H", input: "\u0003", env });

    expect(screen.replaceAll("\u001b", "ESC")).not.toMatch(/ESC\[3\d/);
  });
});

/** Whether there is a `script` with util-linux's flags, as on Debian; said loudly, or an error with KV_REQUIRE_PEERS=1. */
function hasTerminal(): boolean {
  const { status } = spawnSync("script", ["-qec", "true", "/dev/null"], { stdio: "ignore" });
  if (status === 0) return true;
  if (process.env["KV_REQUIRE_PEERS"] === "1") throw new Error("there is no script of util-linux on PATH");
  process.stderr.write("\n*** NOT TESTED: kvctl on a terminal, because there is no script on PATH ***\n\n");
  return false;
}

/** How a run ends, and the files and the builtin modules that it loads. */
async function loadedBy(...argv: readonly string[]): Promise<{
  readonly code: unknown;
  readonly files: readonly string[];
  readonly builtins: readonly string[];
}> {
  const child = spawn(process.execPath, ["--import", traceLoads, KVCTL, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    env: ENVIRONMENT,
  });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const [code] = await once(child, "close");
  const named = (pattern: RegExp): string[] => [...output.matchAll(pattern)].map(([, name = ""]) => name);
  return { code, files: named(/^file .*\/(.*)$/gm), builtins: named(/^builtin NativeModule (.*)$/gm) };
}

// Tells on standard error of the files that are loaded after it, and of all builtin modules.
const traceLoads = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({ load: (url, c, next) => { if (url.startsWith("file:")) writeSync(2, "file " + url + "\\n"); return next(url, c); } });
  process.on("exit", () => writeSync(2, process.moduleLoadList.map((name) => "builtin " + name + "\\n").join("")));
`)}`;

describe("what a start loads", () => {
  // Each file takes a millisecond or two, and these builtins together more than all the rest of kvctl.
  test.each([
    ["help", 0],
    ["--version", 0],
    ["nope", 1],
  ])("%s: two files, and nothing for sockets and terminals", async (word, status) => {
    const { code, files, builtins } = await loadedBy(word);

    expect(code).toBe(status);
    expect(files).toEqual(["main.js", "run.js"]);
    expect(builtins).toContain("fs");
    for (const heavy of ["http", "net", "tty", "timers/promises"]) expect(builtins).not.toContain(heavy);
  });

  test("a command that talks to a server: one file more, without undici", async () => {
    const url = await serve((_request, response) => {
      response.end('{"action":"get","node":{"key":"/a","value":"v","modifiedIndex":3,"createdIndex":3}}');
    });

    const { code, files, builtins } = await loadedBy("--no-sync", "--endpoints", url, "get", "/a");

    expect(code).toBe(0);
    expect(files).toEqual(["main.js", "run.js", "session.js"]);
    expect(builtins).toContain("http");
    for (const heavy of ["tls", "internal/deps/undici/undici", "dns/promises"])
      expect(builtins).not.toContain(heavy);
  });
});

function help(home: string): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const env = { PATH: process.env["PATH"], HOME: home };
  const { status, stdout, stderr } = spawnSync(process.execPath, [KVCTL, "help"], {
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("compiled code", () => {
  test("is kept in the user's own directory, and the next start says the same", () => {
    const home = mkdtempSync(join(tmpdir(), "kvctl-home-"));
    closers.push(() => rmSync(home, { recursive: true }));

    const first = help(home);
    const second = help(home);

    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(second).toEqual(first);
    const [version, ...others] = readdirSync(join(home, ".cache", "kvctl"));
    expect(others).toEqual([]);
    // run.js, which is compiled once it may be kept; main.js decides that and is compiled before.
    expect(readdirSync(join(home, ".cache", "kvctl", version ?? ""))).toHaveLength(1);
  });

  test("that cannot be kept, or was damaged, changes nothing", () => {
    const home = mkdtempSync(join(tmpdir(), "kvctl-home-"));
    closers.push(() => rmSync(home, { recursive: true }));
    const first = help(home);
    const cache = join(home, ".cache", "kvctl");
    for (const file of readdirSync(cache, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) writeFileSync(join(file.parentPath, file.name), "damaged");
    }
    expect(help(home)).toEqual(first);

    rmSync(join(home, ".cache"), { recursive: true });
    writeFileSync(join(home, ".cache"), "a file where a directory should be");
    expect(help(home)).toEqual(first);
  });
});
