import { expect, test } from "vitest";
import { readLines, readValue } from "./standard-input.ts";

async function* input(...chunks: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

test("a value is read to the end, byte for byte, with its final newline", async () => {
  expect([...(await readValue(input(Uint8Array.of(0xff, 0), Uint8Array.of(0x0a))))]).toEqual([0xff, 0, 0x0a]);
});

test("empty input is a missing value", async () => {
  await expect(readValue(input())).rejects.toMatchObject({
    code: "E_ARGUMENT",
    message: "Error:  value required",
  });
});

test("input that no server would take is given up early", async () => {
  const mebibyte = new Uint8Array(1024 * 1024);

  await expect(readValue(input(...Array.from({ length: 11 }, () => mebibyte)))).rejects.toMatchObject({
    code: "E_ARGUMENT",
  });
});

test("lines end at line feeds alone, wherever the chunks end", async () => {
  const bytes = Buffer.from("ключ\u2028\r\n\nlast");
  const lines: string[] = [];

  for await (const line of readLines(input(bytes.subarray(0, 3), bytes.subarray(3)))) lines.push(line);

  expect(lines).toEqual(["ключ\u2028\r", "", "last"]);
});
