import { assert, property, string, constantFrom, array, boolean } from "fast-check";
import { describe, expect, test } from "vitest";
import { covers, grant, revoke, type Permissions } from "./permissions.ts";

describe("patterns", () => {
  // client-api.md §14.5.
  test.each([
    ["/p", "/p", true, false],
    ["/p", "/p/", false, false],
    ["/p", "/p/x", false, false],
    ["/p*", "/p", true, true],
    ["/p*", "/publishing", true, true],
    ["/p/*", "/p", false, false],
    ["/p/*", "/p/", true, true],
    ["/p/*", "/p/x/y", true, true],
    ["/*", "/", true, true],
    ["/*", "", false, false],
    ["*", "", true, true],
    ["*", "/p", true, true],
    ["", "", false, false],
    ["", "/p", false, false],
    ["/a*b", "/a*b", true, false],
    ["/a*b", "/axb", false, false],
    ["/a**", "/a*b", true, true],
    ["/a**", "/ab", false, false],
    ["/ü*", "/übung", true, true],
    ["/P", "/p", false, false],
  ])("%j on %j: %s, recursive %s", (pattern, key, plain, recursive) => {
    expect(covers(pattern, key, { recursive: false })).toBe(plain);
    expect(covers(pattern, key, { recursive: true })).toBe(recursive);
  });

  const text = string({ unit: constantFrom("/", "a", "b", "*", "\udc80", "ü") });

  test("a star covers what begins with the rest, and nothing else", () => {
    assert(
      property(text, text, boolean(), (prefix, key, recursive) => {
        expect(covers(`${prefix}*`, prefix + key, { recursive })).toBe(true);
        expect(covers(`${prefix}*`, key, { recursive })).toBe(key.slice(0, prefix.length) === prefix);
      }),
    );
  });

  test("what covers a recursive request covers a plain one; without a star only the key itself", () => {
    assert(
      property(text, text, (pattern, key) => {
        const recursive = covers(pattern, key, { recursive: true });
        const plain = covers(pattern, key, { recursive: false });

        if (recursive) expect(plain).toBe(true);
        if (!pattern.endsWith("*"))
          expect([plain, recursive]).toEqual([pattern !== "" && pattern === key, false]);
      }),
    );
  });
});

describe("grant and revoke", () => {
  const some: Permissions = { read: ["/b"], write: null };

  test("what is granted is added in byte order; null lists become lists", () => {
    expect(grant(some, { read: ["/c", "/a"], write: null })).toEqual({ read: ["/a", "/b", "/c"], write: [] });
  });

  test.each([
    [{ read: ["/b"], write: null }, "auth: Granting duplicate read permission /b"],
    [{ read: ["/x", "/x"], write: null }, "auth: Granting duplicate read permission /x"],
    [{ read: null, write: ["/w", "/w"] }, "auth: Granting duplicate write permission /w"],
  ])("granting twice is refused: %j", (added, message) => {
    expect(() => grant(some, added)).toThrow(
      expect.objectContaining({ code: "E_AUTH_CONFLICT", message }) as Error,
    );
  });

  test("what was not granted is revoked without a word", () => {
    expect(revoke(some, { read: ["/b", "/zz"], write: ["/w"] })).toEqual({ read: [], write: [] });
  });

  test("revoking what was granted gives back what was there", () => {
    const patterns = array(string({ minLength: 1, maxLength: 3 }), { maxLength: 6 });
    assert(
      property(patterns, patterns, (old, more) => {
        const before: Permissions = { read: [...new Set(old)].toSorted(), write: [] };
        const added: Permissions = {
          read: [...new Set(more)].filter((one) => !old.includes(one)),
          write: null,
        };

        expect(new Set(revoke(grant(before, added), added).read)).toEqual(new Set(before.read));
      }),
    );
  });
});
