// What only a whole process can show: the pipe, the terminal's interrupt, and what a start loads.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const KVCTL = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function start(...argv: readonly string[]): ChildProcess & { text: { stdout: string; stderr: string } } {
  const child = spawn(process.execPath, [KVCTL, ...argv], {
    stdio: "pipe",
    env: { PATH: process.env["PATH"] },
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

test("a reader that goes away ends the program without a complaint", async () => {
  const nodes = Array.from({ length: 20_000 }, (_, i) => ({
    key: `/some/longer/key/${i}`,
    value: "",
    modifiedIndex: 3,
    createdIndex: 3,
  }));
  const url = await serve((_request, response) => {
    response.end(JSON.stringify({ action: "get", node: { key: "", dir: true, nodes } }));
  });

  const child = start("--no-sync", "--endpoints", url, "ls");
  child.stdout?.once("data", () => child.stdout?.destroy());
  const [code] = await once(child, "close");

  expect({ code, stderr: child.text.stderr }).toEqual({ code: 0, stderr: "" });
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

test("neither undici nor, for help alone, the client is loaded", async () => {
  const child = spawn(process.execPath, ["--import", traceImports, KVCTL, "--version"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  await once(child, "close");

  expect(output).toContain("main.js");
  expect(output).not.toMatch(/session\.js|undici/);
});

// Prints the URL of every module that is loaded after it.
const traceImports = `data:text/javascript,${encodeURIComponent(
  'import { registerHooks } from "node:module"; registerHooks({ load: (url, c, next) => { process.stdout.write(url + "\\n"); return next(url, c); } });',
)}`;
