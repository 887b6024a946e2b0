import { describe, expect, test } from "vitest";
import { Endpoints, parseEndpoint } from "./endpoints.ts";

const GIVEN = { order: "given", random: () => 0 } as const;

describe("parseEndpoint", () => {
  test.each([
    ["http://127.0.0.1:2379", "http://127.0.0.1:2379"],
    ["http://127.0.0.1:2379/", "http://127.0.0.1:2379"],
    ["127.0.0.1:2379", "http://127.0.0.1:2379"],
    ["localhost:4001", "http://localhost:4001"],
    ["https://etcd.example:2379", "https://etcd.example:2379"],
    ["http://[::1]:2379", "http://[::1]:2379"],
  ])("%s means %s", (given, endpoint) => {
    expect(parseEndpoint(given)).toBe(endpoint);
  });

  test.each([
    ["ftp://host:1", "endpoint scheme must be http or https, got ftp://host:1"],
    ["http://host:1/path", "endpoint http://host:1 must not have a path or a query"],
    ["", "endpoint is empty"],
    [" ", "endpoint is empty"],
    ["http://host:notaport", 'endpoint "http://host:notaport" is not a URL'],
    ["http://root:secret@host:x", 'endpoint "http://host:x" is not a URL'],
    ["root:se/c@ret@host:x", 'endpoint "host:x" is not a URL'],
  ])("%j is refused: %s", (given, message) => {
    expect(() => parseEndpoint(given)).toThrow(expect.objectContaining({ code: "E_CONFIG", message }));
  });

  test("a password in an endpoint is refused and not repeated", () => {
    expect(() => parseEndpoint("http://root:secret@host:1")).toThrow(
      expect.objectContaining({ code: "E_CONFIG", message: expect.not.stringContaining("secret") }),
    );
  });
});

describe("Endpoints", () => {
  test("the pinned endpoint comes first and the others follow in their order", () => {
    const endpoints = new Endpoints(["http://a:1", "http://b:1", "http://c:1"], GIVEN);

    endpoints.pin("http://b:1");

    expect(endpoints.inOrder()).toEqual(["http://b:1", "http://c:1", "http://a:1"]);
  });

  test("unpinning the first makes the next one first; unpinning another changes nothing", () => {
    const endpoints = new Endpoints(["http://a:1", "http://b:1"], GIVEN);

    endpoints.unpin("http://b:1");
    expect(endpoints.inOrder()).toEqual(["http://a:1", "http://b:1"]);

    endpoints.unpin("http://a:1");
    expect(endpoints.inOrder()).toEqual(["http://b:1", "http://a:1"]);
  });

  test("the pinned endpoint stays pinned in a new list that has it", () => {
    const endpoints = new Endpoints(["http://a:1", "http://b:1"], GIVEN);
    endpoints.pin("http://b:1");

    endpoints.replace(["http://c:1", "http://b:1", "http://d:1"]);

    expect(endpoints.inOrder()).toEqual(["http://b:1", "http://d:1", "http://c:1"]);
  });

  test("random order draws from the given randomness", () => {
    const endpoints = new Endpoints(["http://a:1", "http://b:1", "http://c:1"], {
      order: "random",
      random: () => 0,
    });

    expect(endpoints.all).toEqual(["http://b:1", "http://c:1", "http://a:1"]);
  });

  test("an endpoint given twice is tried twice, and none at all is an error", () => {
    expect(new Endpoints(["a:1", "http://a:1/"], GIVEN).inOrder()).toEqual(["http://a:1", "http://a:1"]);
    expect(() => new Endpoints([], GIVEN)).toThrow(expect.objectContaining({ code: "E_NO_ENDPOINTS" }));
  });
});
