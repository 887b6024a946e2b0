import { beforeEach, expect, test, vi } from "vitest";
import { HttpBodyError, type HttpResponse } from "@kv/rafthttp/http";
import { parseNodeId } from "@kv/raft/codec";
import { MemberError, type MemberErrorCode } from "../server-api.ts";
import { MembersHandler } from "./members.ts";
import { bodyOf, fakeRequest, headerOf } from "./testing/fake-request.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

const SELF_JSON =
  '{"id":"8e9e05c52164694d","name":"memory","peerURLs":["http://localhost:2380"],"clientURLs":["http://localhost:2379"]}';
const URLS = '{"peerURLs":["http://a:1"]}';

let server: MemoryServer;
let members: MembersHandler;

beforeEach(() => {
  server = new MemoryServer(() => 0n);
  members = new MembersHandler(server, { logger: silentLogger, guard: { isRoot: () => true } });
});

async function ask(
  method: string,
  rest: string,
  body = "",
  type = "application/json",
): Promise<HttpResponse> {
  return members.handle(
    fakeRequest(method, `/v2/members${rest}`, { body, headers: { "content-type": type } }),
    rest,
  );
}

async function statusAndBody(response: HttpResponse): Promise<[number, string]> {
  expect(headerOf(response, "X-Etcd-Cluster-Id")).toBe(server.clusterId);
  return [response.status, await bodyOf(response)];
}

function message(text: string): string {
  return `{"message":${JSON.stringify(text)}}`;
}

test.each(["", "/"])("GET members%s lists them", async (rest) => {
  expect(await statusAndBody(await ask("GET", rest))).toEqual([200, `{"members":[${SELF_JSON}]}\n`]);
});

test("GET leader is the leader, as long as there is one", async () => {
  expect(await statusAndBody(await ask("GET", "/leader"))).toEqual([200, `${SELF_JSON}\n`]);

  server.leader = parseNodeId("0");
  expect(await statusAndBody(await ask("GET", "/leader"))).toEqual([503, message("During election")]);
});

test.each(["/8e9e05c52164694d", "/leader/", "/xyz"])("GET %s is not found", async (rest) => {
  expect(await statusAndBody(await ask("GET", rest))).toEqual([404, message("Not found")]);
});

test("POST adds a member under checked, sorted URLs and answers with it", async () => {
  const add = vi.spyOn(server, "addMember");

  const response = await ask("POST", "/ignored", '{"name":"n","PeerUrls":[" http://b:1","http://a:1 "]}');

  expect(add).toHaveBeenCalledWith(["http://a:1", "http://b:1"]);
  expect(await statusAndBody(response)).toEqual([
    201,
    '{"id":"abc","name":"","peerURLs":["http://a:1","http://b:1"],"clientURLs":[]}\n',
  ]);
});

test.each([
  ["PUT", "/00008e9e05c52164694d", URLS],
  ["DELETE", "/8E9E05C52164694D", ""],
])("%s of a member is 204 without a body", async (method, rest, body) => {
  const response = await ask(method, rest, body);

  expect(await statusAndBody(response)).toEqual([204, ""]);
  expect(headerOf(response, "Content-Type")).toBeUndefined();
});

test.each(["DELETE", "PUT"])("%s without an id is 405 without a list of methods", async (method) => {
  for (const rest of ["", "/"]) {
    const response = await ask(method, rest, URLS);

    expect(await statusAndBody(response)).toEqual([405, "Method Not Allowed\n"]);
    expect(headerOf(response, "Allow")).toBeUndefined();
  }
});

test.each([
  ["DELETE", "/xyz", "xyz"],
  ["DELETE", "/11112222333344445", "11112222333344445"],
  ["DELETE", "/00ABC", "abc"],
  ["PUT", "/xyz/a", "xyz/a"],
  ["PUT", "/abc", "abc"],
])("%s %s names no member: %s", async (method, rest, name) => {
  expect(await statusAndBody(await ask(method, rest, URLS))).toEqual([
    404,
    message(`No such member: ${name}`),
  ]);
});

test.each([
  ["POST", "", "text/plain"],
  ["POST", "", ""],
  ["PUT", "/abc", "application/json; charset=utf-8"],
])("%s%s as %j is 415", async (method, rest, type) => {
  const text = `Bad Content-Type ${type}, accept application/json`;

  expect(await statusAndBody(await ask(method, rest, URLS, type))).toEqual([415, message(text)]);
});

test.each([
  ["", "unexpected end of JSON input"],
  ["x", "invalid JSON in request body"],
  ["[]", "json: cannot unmarshal request body: an object is wanted"],
  ['{"peerURLs":"http://a:1"}', "json: cannot unmarshal peerURLs: a list of strings is wanted"],
  ['{"peerURLs":[1]}', "json: cannot unmarshal peerURLs: a list of strings is wanted"],
  ["null", "no valid URLs given"],
  ["{}", "no valid URLs given"],
  ['{"peerURLs":null}', "no valid URLs given"],
  ['{"peerURLs":[]}', "no valid URLs given"],
  ['{"peerURLs":[null]}', "URL scheme must be http or https: "],
  ['{"peerURLs":["ftp://a:1"]}', "URL scheme must be http or https: ftp://a:1"],
  ['{"peerURLs":["http://a"]}', 'URL address does not have the form "host:port": http://a'],
  ['{"peerURLs":["http://a:1/"]}', "URL must not contain a path: http://a:1/"],
])("POST of %j is 400: %s", async (body, text) => {
  expect(await statusAndBody(await ask("POST", "", body))).toEqual([400, message(text)]);
});

test("a body that is too large is 400; a client that is gone is left to the engine", async () => {
  const request = fakeRequest("POST", "/v2/members", { headers: { "content-type": "application/json" } });
  const add = (error: Error): HttpResponse | Promise<HttpResponse> =>
    members.handle({ ...request, body: () => Promise.reject(error) }, "");

  expect((await add(new HttpBodyError("too_large", "body is longer"))).status).toBe(400);
  await expect(add(new HttpBodyError("aborted", ""))).rejects.toThrow(HttpBodyError);
});

test.each<[string, string, MemberErrorCode, number, string]>([
  ["POST", "", "E_ID_EXISTS", 409, "etcdserver: x"],
  ["POST", "", "E_PEER_URL_EXISTS", 409, "etcdserver: x"],
  ["POST", "", "E_TIMEOUT", 500, "Internal Server Error"],
  ["POST", "", "E_NOT_ENOUGH_STARTED", 500, "Internal Server Error"],
  ["DELETE", "/abc", "E_NOT_ENOUGH_STARTED", 500, "Internal Server Error"],
  ["DELETE", "/abc", "E_ID_NOT_FOUND", 404, "No such member: abc"],
  ["DELETE", "/abc", "E_ID_REMOVED", 410, "Member permanently removed: abc"],
  ["DELETE", "/abc", "E_STOPPED", 500, "Internal Server Error"],
  ["PUT", "/abc", "E_ID_NOT_FOUND", 404, "No such member: abc"],
  ["PUT", "/abc", "E_PEER_URL_EXISTS", 409, "etcdserver: x"],
  ["PUT", "/abc", "E_ID_REMOVED", 500, "Internal Server Error"],
  ["PUT", "/abc", "E_TIMEOUT", 500, "Internal Server Error"],
])("%s%s refused as %s is %i", async (method, rest, code, status, text) => {
  const refuse = (): Promise<never> => Promise.reject(new MemberError(code, "etcdserver: x"));
  vi.spyOn(server, "addMember").mockImplementation(refuse);
  vi.spyOn(server, "removeMember").mockImplementation(refuse);
  vi.spyOn(server, "updateMember").mockImplementation(refuse);

  expect(await statusAndBody(await ask(method, rest, URLS))).toEqual([status, message(text)]);
});

test("what nobody expected is a 500 without details", async () => {
  vi.spyOn(server, "removeMember").mockRejectedValue(new Error("secret"));

  expect(await statusAndBody(await ask("DELETE", "/abc"))).toEqual([500, message("Internal Server Error")]);
});
