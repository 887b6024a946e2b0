// The client has an error table of its own, because it knows no server code: both must say the same
// (architecture.md §2).

import { ERROR_TABLE } from "@kv/client";
import { ErrorCode, messageOf, statusOf } from "@kv/store";
import { expect, test } from "vitest";

test("the client's error table is the store's: codes, statuses and messages", () => {
  const ofStore = Object.values(ErrorCode).map((errorCode) => ({
    errorCode,
    status: statusOf(errorCode),
    message: messageOf(errorCode),
  }));

  expect(ERROR_TABLE.toSorted((a, b) => a.errorCode - b.errorCode)).toStrictEqual(
    ofStore.toSorted((a, b) => a.errorCode - b.errorCode),
  );
});
