import type { HttpHandler } from "@kv/rafthttp/http";
import { expect, test } from "vitest";
import { withCors } from "./cors.ts";
import { fakeRequest, headerOf } from "./testing/fake-request.ts";

const ALLOW_ORIGIN = "Access-Control-Allow-Origin";
const NAMES = ["Access-Control-Allow-Methods", ALLOW_ORIGIN, "Access-Control-Allow-Headers"];
const now: HttpHandler = () => ({ status: 404, headers: [["Allow", "GET"]], body: "no" });
const later: HttpHandler = async (request) => now(request);

function from(origin: string | null) {
  return fakeRequest("GET", "/v2/keys", { headers: origin === null ? {} : { origin } });
}

test.each([
  [["*"], "http://a", "*"],
  [["*"], null, "*"],
  [["http://b", "*"], "http://b", "*"],
  [["http://a", "http://b:80"], "http://b:80", "http://b:80"],
  [["http://a"], "http://b", undefined],
  [["http://a"], "http://A", undefined],
  [["http://a"], "http://a/", undefined],
  [["http://a"], null, undefined],
])("origins %j asked from %j allow %j", async (origins, origin, allowed) => {
  for (const handler of [now, later]) {
    const response = await withCors(handler, origins)(from(origin));

    expect(headerOf(response, ALLOW_ORIGIN)).toBe(allowed);
  }
});

test("status, body and other headers stay as they are", async () => {
  for (const handler of [now, later]) {
    const response = await withCors(handler, ["*"])(from(null));

    expect(response).toMatchObject({ status: 404, body: "no" });
    expect(response.headers.map(([name]) => name)).toStrictEqual(["Allow", ...NAMES]);
    expect(headerOf(response, "Access-Control-Allow-Methods")).toBe("POST, GET, OPTIONS, PUT, DELETE");
    expect(headerOf(response, "Access-Control-Allow-Headers")).toBe("accept, content-type, authorization");
  }
});

test("without origins the handler is not wrapped", () => {
  expect(withCors(now, [])).toBe(now);
});
