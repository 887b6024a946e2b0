import { expect, test } from "vitest";
import { ErrorCode, EtcdError, messageOf, statusOf } from "./errors.ts";

// client-api.md §6; every code that is not listed answers 400.
const STATUSES = new Map<number, number>([
  [100, 404],
  [101, 412],
  [102, 403],
  [105, 412],
  [108, 403],
  [110, 401],
  [300, 500],
  [301, 500],
]);

test.each(Object.entries(ErrorCode))("%s (%i) has a message and the status of the table", (_name, code) => {
  expect(messageOf(code).length).toBeGreaterThan(0);
  expect(statusOf(code)).toBe(STATUSES.get(code) ?? 400);
});

test("an error carries the text of its code, its cause and the index", () => {
  const error = new EtcdError(ErrorCode.KeyExists, "/1/a", 12);

  expect(error).toMatchObject({
    message: "Key already exists",
    errorCode: 105,
    etcdCause: "/1/a",
    index: 12,
  });
});

test("a refusal carries no stack, and leaves those of other errors alone", () => {
  const refusal = new EtcdError(ErrorCode.KeyNotFound, "/1/a", 7);

  expect(refusal.stack).not.toContain("\n    at ");
  expect(new Error("other").stack).toContain("\n    at ");
});
