import { describe, expect, test } from "vitest";
import { connectionError } from "./transport.ts";

function failure(fields: { code: string; syscall?: string }): Error {
  return Object.assign(new Error("failed"), fields);
}

describe("connectionError", () => {
  test.each([
    ["a refused connection", failure({ code: "ECONNREFUSED", syscall: "connect" }), "E_UNREACHABLE", false],
    [
      "a connection that timed out",
      failure({ code: "ETIMEDOUT", syscall: "connect" }),
      "E_UNREACHABLE",
      false,
    ],
    ["an unknown name", failure({ code: "ENOTFOUND", syscall: "getaddrinfo" }), "E_UNREACHABLE", false],
    ["a certificate we do not trust", failure({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "E_TLS", false],
    [
      "a certificate they do not trust",
      failure({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" }),
      "E_TLS",
      true,
    ],
    [
      "a timeout of an open connection",
      failure({ code: "ETIMEDOUT", syscall: "read" }),
      "E_CONNECTION",
      true,
    ],
    ["a reset", failure({ code: "ECONNRESET" }), "E_CONNECTION", true],
    ["anything else", "thrown text", "E_CONNECTION", true],
  ])("%s", (_name, cause, code, outcomeUnknown) => {
    expect(connectionError(cause)).toMatchObject({ code, outcomeUnknown });
  });

  test("a host whose every address refuses is unreachable", () => {
    const refused = failure({ code: "ECONNREFUSED", syscall: "connect" });

    expect(connectionError(new AggregateError([refused, refused]))).toMatchObject({
      code: "E_UNREACHABLE",
      message: "failed",
    });
  });
});
