import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cleanPath, isCleanPath, redirectToCleanPath } from "./clean-path.ts";
import { bodyOf, fakeRequest, headerOf } from "./testing/fake-request.ts";

test.each([
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/a/", "/a/"],
  ["/...", "/..."],
  ["/a..b/.c/..d", "/a..b/.c/..d"],
])("%s is clean", (path, clean) => {
  expect(isCleanPath(path)).toBe(true);
  expect(cleanPath(path)).toBe(clean);
});

test.each([
  ["", "/"],
  ["a", "/a"],
  ["//", "/"],
  ["/a//b", "/a/b"],
  ["/a/./b", "/a/b"],
  ["/a/.", "/a"],
  ["/a/..", "/"],
  ["/a/../", "/"],
  ["/a/b/../", "/a/"],
  ["/../../x", "/x"],
  ["/a//", "/a/"],
])("%j is redirected to %s", (path, clean) => {
  expect(isCleanPath(path)).toBe(false);
  expect(cleanPath(path)).toBe(clean);
});

test("a path is clean exactly when cleaning does not change it, and then stays clean", () => {
  const path = fc.array(fc.constantFrom("a", ".", "/", "..", "/", "é")).map((parts) => `/${parts.join("")}`);
  fc.assert(
    fc.property(path, (any) => {
      expect(isCleanPath(any)).toBe(cleanPath(any) === any);
      expect(isCleanPath(cleanPath(any))).toBe(true);
    }),
  );
});

// Observed on 3.4.23.
test("the location is encoded as Go encodes paths and the page is escaped", async () => {
  const url = "/v2/keys//a!'()*[b]\"<&>%c3%a9%2F?x=<y>&z='";

  const response = redirectToCleanPath(fakeRequest("GET", url));

  const location = "/v2/keys/a%21%27%28%29%2A%5Bb%5D%22%3C&%3E%C3%A9/?x=<y>&z='";
  expect(response.status).toBe(301);
  expect(headerOf(response, "Location")).toBe(location);
  expect(await bodyOf(response)).toBe(
    '<a href="/v2/keys/a%21%27%28%29%2A%5Bb%5D%22%3C&amp;%3E%C3%A9/?x=&lt;y&gt;&amp;z=&#39;">Moved Permanently</a>.\n\n',
  );
});

test("no byte of a path or query can end a header", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
      const raw = Buffer.from(bytes).toString("latin1").replaceAll(/[?%]/g, "");

      const response = redirectToCleanPath(fakeRequest("PUT", `//${escaped}?${raw}`));

      expect(headerOf(response, "Location")).toMatch(/^\/[\x21-\x7e]*$/);
      expect(response.body).toBeNull();
    }),
  );
});
