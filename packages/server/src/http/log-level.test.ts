import { expect, test } from "vitest";
import type { Logger } from "../logger.ts";
import { logLevelHandler } from "./log-level.ts";
import { fakeProcess } from "./testing/fake-process.ts";
import { bodyOf, fakeRequest } from "./testing/fake-request.ts";
import { silentLogger } from "./testing/silent-logger.ts";

async function put(body: string) {
  const levels: string[] = [];
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, notice: (line) => lines.push(line) };
  const response = await logLevelHandler(fakeProcess(levels), { logger, guard: { isRoot: () => true } })(
    fakeRequest("PUT", "/config/local/log", { body }),
  );
  return { status: response.status, body: await bodyOf(response), levels, lines };
}

test.each(['{"Level":"DEBUG"}', '{"level":"debug"}', '{"Level":"INFO","LEVEL":"DEBUG","other":1}'])(
  "%s sets the level and says so",
  async (body) => {
    expect(await put(body)).toStrictEqual({
      status: 204,
      body: "",
      levels: ["DEBUG"],
      lines: ['globalLogLevel set to "DEBUG"'],
    });
  },
);

test.each([
  ['{"Level":"LOUD"}', "Invalid log level LOUD"],
  ["{}", "Invalid log level "],
  ["null", "Invalid log level "],
  ['{"Level":null}', "Invalid log level "],
  ['{"Level":3}', "Invalid json body"],
  ["[]", "Invalid json body"],
  ['"DEBUG"', "Invalid json body"],
  ["{", "Invalid json body"],
  ["", "Invalid json body"],
])("%s is refused: %s", async (body, message) => {
  const answer = await put(body);

  expect(answer).toMatchObject({ status: 400, body: `{"message":"${message}"}`, levels: [], lines: [] });
});
