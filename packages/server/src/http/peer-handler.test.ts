import { expect, test, vi } from "vitest";
import type { HttpHandler } from "@kv/rafthttp/http";
import { parseNodeId } from "@kv/raft/codec";
import { peerHandler } from "./peer-handler.ts";
import { bodyOf, fakeRequest, headerOf } from "./testing/fake-request.ts";

const transport = vi.fn<HttpHandler>(() => ({ status: 204, headers: [], body: null }));
const server = {
  clusterId: "7e27652122e8b2ae",
  version: "2.3.8",
  clusterVersion: null,
  members: () => [
    { id: parseNodeId("2cd70cf44861eeb1"), name: "", peerUrls: ["http://127.0.0.1:22212"], clientUrls: [] },
    {
      id: parseNodeId("cf24673f32ccb42c"),
      name: "A",
      peerUrls: ["http://127.0.0.1:22202"],
      clientUrls: ["http://127.0.0.1:22200"],
    },
  ],
};
const handler = peerHandler(server, transport);

// The shape of peer-protocol.md §1: bare 64-bit ids, and no fields that are not published yet.
test("GET /members is the list that a joining member needs", async () => {
  const response = await handler(fakeRequest("GET", "/members"));

  expect(headerOf(response, "X-Etcd-Cluster-Id")).toBe(server.clusterId);
  expect(headerOf(response, "Content-Type")).toBe("application/json");
  expect(await bodyOf(response)).toBe(
    '[{"id":3231065500987551409,"peerURLs":["http://127.0.0.1:22212"]},' +
      '{"id":14926168586145543212,"peerURLs":["http://127.0.0.1:22202"],"name":"A","clientURLs":["http://127.0.0.1:22200"]}]\n',
  );
});

test("GET /version is the same as on the client port", async () => {
  const response = await handler(fakeRequest("GET", "/version"));

  expect(await bodyOf(response)).toBe('{"etcdserver":"2.3.8","etcdcluster":"not_decided"}');
  expect(headerOf(response, "X-Etcd-Cluster-Id")).toBeUndefined();
});

test.each(["/members", "/version"])("%s has no POST", async (path) => {
  const response = await handler(fakeRequest("POST", path));

  expect(response.status).toBe(405);
  expect(headerOf(response, "Allow")).toBe("GET");
});

test.each(["/raft", "/raft/stream/message/abc", "/members/", "/v2/keys/a", "/"])(
  "%s is the transport's",
  async (path) => {
    const request = fakeRequest("GET", path);

    expect((await handler(request)).status).toBe(204);
    expect(transport).toHaveBeenLastCalledWith(request);
  },
);
