import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KvctlError } from "./errors.ts";
import { StandardStream } from "./standard-stream.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kvctl-stream-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const never = (): never => {
  throw new Error("not expected");
};

test("text is in the file when write returns", async () => {
  const path = join(directory, "out");
  const fd = openSync(path, "w");
  const stream = new StandardStream({ fd, openStream: never, onReaderGone: never, onFailure: never });

  stream.write("é\n");
  stream.write("");
  stream.write("x".repeat(100_000));

  expect(readFileSync(path, "utf8")).toBe(`é\n${"x".repeat(100_000)}`);
  await stream.written();
  closeSync(fd);
});

test.each([
  ["a descriptor that cannot be written to", "r", /^Error: {2}what there is to say cannot be written: EBADF/],
  ["a full disk", null, /^Error: {2}what there is to say cannot be written: ENOSPC/],
])("%s is an error of its own", (_what, flag, message) => {
  const fd = flag === null ? openSync("/dev/full", "w") : openSync("/dev/null", flag);
  const failures: KvctlError[] = [];
  const onFailure = (error: KvctlError): void => void failures.push(error);
  const stream = new StandardStream({ fd, openStream: never, onReaderGone: never, onFailure });

  stream.write("a");

  expect(failures).toEqual([
    expect.objectContaining({ code: "E_FILE", message: expect.stringMatching(message) }),
  ]);
  closeSync(fd);
});

describe("on a pipe", () => {
  let reader: number;
  let writer: number;
  beforeEach(() => {
    const path = join(directory, "pipe");
    execFileSync("mkfifo", [path]);
    reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  });
  afterEach(() => closeSync(writer));

  test("what does not fit is left to Node's stream, in order, and nothing is lost", async () => {
    const rest = new PassThrough({ highWaterMark: 1 });
    const stream = new StandardStream({
      fd: writer,
      openStream: () => rest,
      onReaderGone: never,
      onFailure: never,
    });
    const text = Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join("");
    const later = buffer(rest);

    stream.write(text);
    stream.write("end\n");
    await stream.written();
    rest.end();

    const room = Buffer.alloc(text.length);
    const atOnce = room.subarray(0, readSync(reader, room));
    expect(atOnce.length).toBeLessThan(text.length); // else the pipe was large enough
    expect(Buffer.concat([atOnce, await later]).toString()).toBe(`${text}end\n`);
    closeSync(reader);
  });

  test("a reader that has gone is told of", () => {
    let gone = 0;
    closeSync(reader);
    const stream = new StandardStream({
      fd: writer,
      openStream: never,
      onReaderGone: () => gone++,
      onFailure: never,
    });
    stream.write("a");
    expect(gone).toBe(1);
  });

  test("nothing is written at once any more when nothing may block", async () => {
    const rest = new PassThrough();
    const stream = new StandardStream({
      fd: writer,
      openStream: () => rest,
      onReaderGone: never,
      onFailure: never,
    });

    stream.neverBlock();
    stream.write("a");
    await stream.written();

    expect(rest.read().toString()).toBe("a");
    closeSync(reader);
  });

  test("a reader that goes while it is waited for is told of", () => {
    let gone = 0;
    const rest = new PassThrough();
    const stream = new StandardStream({
      fd: writer,
      openStream: () => rest,
      onReaderGone: () => gone++,
      onFailure: never,
    });
    stream.write("x".repeat(1_000_000));
    rest.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(gone).toBe(1);
    closeSync(reader);
  });
});
