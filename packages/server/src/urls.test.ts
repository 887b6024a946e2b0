import { expect, test } from "vitest";
import { formatInitialCluster, parseInitialCluster, parseUrls, sameUrls } from "./urls.ts";

test("a list of URLs is trimmed and sorted by bytes", () => {
  expect(parseUrls(["http://b:2", " https://a:1 ", "HTTP://a:1"])).toEqual([
    "HTTP://a:1",
    "http://b:2",
    "https://a:1",
  ]);
  expect(parseUrls(["http://:2379", "http://[::1]:2"])).toEqual(["http://:2379", "http://[::1]:2"]);
});

test.each([
  [[], "no valid URLs given"],
  [[""], "URL scheme must be http or https: "],
  [["unix://foo"], "URL scheme must be http or https: unix://foo"],
  [["http://127.0.0.1"], 'URL address does not have the form "host:port": http://127.0.0.1'],
  [["http://::1:80"], 'URL address does not have the form "host:port": http://::1:80'],
  [["http://127.0.0.1:2379/"], "URL must not contain a path: http://127.0.0.1:2379/"],
])("the list %j is refused with etcd's text", (urls, message) => {
  expect(() => parseUrls(urls)).toThrow(message);
});

test("an initial cluster is read and printed", () => {
  const cluster = parseInitialCluster("b=http://b:1, a=http://a:2,,a=http://a:1");

  expect([...cluster]).toEqual([
    ["b", ["http://b:1"]],
    ["a", ["http://a:1", "http://a:2"]],
  ]);
  expect(formatInitialCluster(cluster)).toBe("a=http://a:1,a=http://a:2,b=http://b:1");
});

test("an item without a URL is refused", () => {
  expect(() => parseInitialCluster("garbage")).toThrow("URL scheme must be http or https: ");
});

test("sets of URLs are equal whatever their order, and localhost is not its address", async () => {
  expect(await sameUrls(["http://a:1", "http://b:1"], ["http://b:1", "http://a:1"])).toBe(true);
  expect(await sameUrls(["http://localhost:1"], ["http://127.0.0.1:1"])).toBe(false);
  expect(await sameUrls(["http://127.0.0.1:1"], ["http://127.0.0.1:1", "http://127.0.0.1:2"])).toBe(false);
});
