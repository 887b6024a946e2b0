import { ClientError, EtcdError } from "@kv/client";
import type { Attempt } from "@kv/client";
import { describe, expect, test } from "vitest";
import { argumentError } from "./errors.ts";
import { describeFailure } from "./failure.ts";

const REFUSED: Attempt = {
  endpoint: "http://h:1",
  code: "E_UNREACHABLE",
  message: "connect ECONNREFUSED",
  status: null,
};
const UNAVAILABLE = "client: etcd cluster is unavailable or misconfigured";

function answered(fields: Partial<EtcdError>): EtcdError {
  const defaults = { errorCode: 100, message: "Key not found", etcdCause: "/nope", index: 12, status: 404 };
  return new EtcdError({ endpoint: "http://h:1", attempts: [], ...defaults, ...fields });
}

describe("key commands", () => {
  test.each([
    ["an answered error", answered({}), "Error:  100: Key not found (/nope) [12]\n", 4],
    [
      "no endpoint",
      new ClientError("E_UNREACHABLE", "…", { attempts: [REFUSED, REFUSED] }),
      `Error:  ${UNAVAILABLE}\nerror #0: connect ECONNREFUSED\nerror #1: connect ECONNREFUSED\n\n`,
      4,
    ],
    [
      "a server error",
      answered({
        status: 500,
        attempts: [{ ...REFUSED, code: "E_STATUS", message: "answered status 500", status: 500 }],
      }),
      `Error:  ${UNAVAILABLE}\nerror #0: answered status 500\n\n`,
      4,
    ],
    [
      "a failed handshake",
      new ClientError("E_TLS", "self-signed certificate", { attempts: [REFUSED] }),
      "Error:  self-signed certificate\n",
      4,
    ],
    [
      "the end of the total timeout",
      new DOMException("…", "TimeoutError"),
      "Error:  context deadline exceeded\n",
      4,
    ],
    ["a missing argument", argumentError("key required"), "Error:  key required\n", 1],
  ])("%s", (_name, error, text, exitCode) => {
    expect(describeFailure(error, "keys")).toEqual({ text, exitCode });
  });
});

describe("member commands", () => {
  test.each([
    [
      "an answered error",
      answered({ errorCode: null, message: "etcdserver: peerURL exists" }),
      "etcdserver: peerURL exists\n",
    ],
    [
      "a server error",
      answered({ errorCode: null, message: "Internal Server Error", status: 500 }),
      `${UNAVAILABLE}\n`,
    ],
    ["no endpoint", new ClientError("E_TIMEOUT", "…", { attempts: [REFUSED] }), `${UNAVAILABLE}\n`],
  ])("%s is one bare line and exit status 1", (_name, error, text) => {
    expect(describeFailure(error, "members")).toEqual({ text, exitCode: 1 });
  });
});

test("a defect is not dressed up as a failure", () => {
  const defect = new TypeError("undefined is not a function");

  expect(() => describeFailure(defect, "keys")).toThrow(defect);
});
