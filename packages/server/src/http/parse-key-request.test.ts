import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EtcdError, MAX_PATH_DEPTH } from "@kv/store";
import { newRequest, type Request } from "../request.ts";
import { parseKeyRequest, type KeyMethod, type RawKeyRequest } from "./parse-key-request.ts";

const NOW = 1_795_000_000_123_456_789n;

function parse(method: KeyMethod, query: string, form: string | null = null, key = "/a"): Request {
  return parseKeyRequest({ method, key, query, form }, () => NOW).request;
}

function refusal(
  method: KeyMethod,
  query: string,
  form: string | null = null,
): { code: number; cause: string; index: number } {
  try {
    parse(method, query, form);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return { code: error.errorCode, cause: error.etcdCause, index: error.index };
  }
  throw new Error("nothing was refused");
}

test("a request without parameters has every field at its zero value", () => {
  expect(parse("GET", "")).toEqual(newRequest("GET", "/1/a"));
});

test.each([
  ["", "/1"],
  ["/", "/1"],
  ["/a", "/1/a"],
  ["/a/", "/1/a"],
  ["/a/b c", "/1/a/b c"],
])("key %j is stored at %j", (key, path) => {
  expect(parse("GET", "", null, key).path).toBe(path);
});

test.each<[KeyMethod, string, Partial<Request>]>([
  ["GET", "recursive=true&sorted=1", { recursive: true, sorted: true }],
  ["GET", "wait=true&waitIndex=7&stream=t&quorum=F", { wait: true, since: 7, stream: true }],
  ["GET", "waitIndex=18446744073709551615", { since: 18_446_744_073_709_551_615n }],
  ["GET", "waitIndex=9007199254740991", { since: 9_007_199_254_740_991 }],
  ["GET", "waitIndex=9007199254740992", { since: 9_007_199_254_740_992n }],
  ["GET", "waitIndex=0000000000000000000000000000000000000007", { since: 7 }],
  ["GET", "Recursive=x&unknown=%20", {}],
  ["PUT", "value=a+b%2Bc", { val: "a b+c" }],
  ["PUT", "value=", { val: "" }],
  ["PUT", "value", { val: "" }],
  ["PUT", "%76alue=1", { val: "1" }],
  ["PUT", "&&value=a=b=c&&=x&", { val: "a=b=c" }],
  ["PUT", "value=first&value=second", { val: "first" }],
  ["PUT", "value=%ff", { val: "\udcff" }],
  ["PUT", "value=%E2%98%83", { val: "☃" }],
  ["PUT", "value=\u00e2\u0098\u0083", { val: "☃" }],
  ["PUT", "dir=true&prevExist=false", { dir: true, prevExist: false }],
  ["PUT", "prevValue=x&prevIndex=12", { prevValue: "x", prevIndex: 12 }],
  ["PUT", "ttl=", {}],
  ["PUT", "ttl=5", { expiration: NOW + 5_000_000_000n }],
  ["PUT", "ttl=0", { expiration: NOW }],
  ["PUT", "ttl=5&refresh=true", { expiration: NOW + 5_000_000_000n, refresh: true }],
  ["PUT", "refresh=false", { refresh: false }],
  ["DELETE", "recursive=true&dir=true", { recursive: true, dir: true }],
])("%s ?%s", (method, query, expected) => {
  expect(parse(method, query)).toEqual({ ...newRequest(method, "/1/a"), ...expected });
});

test.each([
  ["value", "1", "2"],
  ["ttl", "1", "2"],
  ["dir", "true", "false"],
  ["prevExist", "true", "false"],
  ["prevValue", "1", "2"],
  ["prevIndex", "1", "2"],
  ["refresh", "false", "true"],
  ["recursive", "true", "false"],
  ["sorted", "true", "false"],
  ["quorum", "true", "false"],
  ["wait", "true", "false"],
  ["waitIndex", "1", "2"],
  ["stream", "true", "false"],
])("the first %s counts", (name, first, second) => {
  expect(parse("GET", `${name}=${first}&${name}=${second}`)).toEqual(parse("GET", `${name}=${first}`));
});

test("a value of the form comes before one of the query", () => {
  expect(parse("PUT", "value=q&ttl=9", "value=b").val).toBe("b");
  expect(parse("PUT", "value=q&ttl=9", "value=b").expiration).toBe(NOW + 9_000_000_000n);
  expect(refusal("PUT", "dir=true", "dir=x").code).toBe(209);
});

// client-api.md §3.5: the instant is a signed 64-bit count of nanoseconds and wraps around.
test.each([
  ["7400000000", NOW + 7_400_000_000_000_000_000n],
  ["7500000000", NOW + 7_500_000_000_000_000_000n - (1n << 64n)],
  ["9223372036", NOW + 9_223_372_036_000_000_000n - (1n << 64n)],
  ["18446744073709551615", NOW - 1_000_000_000n],
])("a ttl of %s s expires at the instant that 64 bits hold", (ttl, expiration) => {
  expect(parse("PUT", `ttl=${ttl}`).expiration).toBe(expiration);
});

test("the clock is asked only when there is a ttl", () => {
  const now = vi.fn(() => NOW);

  parseKeyRequest({ method: "PUT", key: "/a", query: "value=1", form: null }, now);

  expect(now).not.toHaveBeenCalled();
});

test("noValueOnSuccess is not part of the request", () => {
  const raw: RawKeyRequest = { method: "PUT", key: "/a", query: "noValueOnSuccess=true", form: null };

  expect(parseKeyRequest(raw, () => NOW)).toEqual({
    request: newRequest("PUT", "/1/a"),
    noValueOnSuccess: true,
  });
});

describe("refusals", () => {
  test.each<[KeyMethod, string, number, string]>([
    ["GET", "a=%zz", 210, 'invalid URL escape "%zz"'],
    ["GET", "a=%z", 210, 'invalid URL escape "%z"'],
    ["GET", "a=%", 210, 'invalid URL escape "%"'],
    ["GET", "%4=1", 210, 'invalid URL escape "%4"'],
    ["GET", "a=%41%4", 210, 'invalid URL escape "%4"'],
    ["GET", 'a=%"x', 210, 'invalid URL escape "%\\"x"'],
    ["GET", "a;b", 210, "invalid semicolon separator in query"],
    ["PUT", "prevIndex=", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=-1", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=%201", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=0x1", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=1_0", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=1e3", 203, 'invalid value for "prevIndex"'],
    ["PUT", "prevIndex=18446744073709551616", 203, 'invalid value for "prevIndex"'],
    ["GET", "waitIndex=", 203, 'invalid value for "waitIndex"'],
    ["GET", "waitIndex=999999999999999999999999", 203, 'invalid value for "waitIndex"'],
    ["GET", "recursive", 209, 'invalid value for "recursive"'],
    ["GET", "recursive=tRUE", 209, 'invalid value for "recursive"'],
    ["GET", "sorted=2", 209, 'invalid value for "sorted"'],
    ["GET", "wait=yes", 209, 'invalid value for "wait"'],
    ["GET", "dir=", 209, 'invalid value for "dir"'],
    ["GET", "quorum=on", 209, 'invalid value for "quorum"'],
    ["GET", "stream=off", 209, 'invalid value for "stream"'],
    ["PUT", "wait=true", 209, '"wait" can only be used with GET requests'],
    ["HEAD", "wait=true", 209, '"wait" can only be used with GET requests'],
    ["PUT", "prevValue=", 201, '"prevValue" cannot be empty'],
    ["PUT", "noValueOnSuccess=x", 209, 'invalid value for "noValueOnSuccess"'],
    ["PUT", "ttl=x", 202, 'invalid value for "ttl"'],
    ["PUT", "ttl=-1", 202, 'invalid value for "ttl"'],
    ["PUT", "ttl=1.5", 202, 'invalid value for "ttl"'],
    ["PUT", "prevExist=", 209, "invalid value for prevExist"],
    ["PUT", "refresh=x", 209, "invalid value for refresh"],
    ["PUT", "refresh=true&value=x&ttl=1", 211, "A value was provided on a refresh"],
    ["GET", "refresh=true", 212, "No TTL value set"],
    ["PUT", "refresh=true&ttl=", 212, "No TTL value set"],
  ])("%s ?%s is %i", (method, query, code, cause) => {
    expect(refusal(method, query)).toEqual({ code, cause, index: 0 });
  });

  // The order of client-api.md §4.3: with all of them wrong, then from the first on put right one by one.
  test("the first wrong parameter of the documented order is the one reported", () => {
    const wrong: [name: string, bad: string, good: string, cause: string][] = [
      ["x", "%zz", "", "invalid URL escape"],
      ["prevIndex", "x", "1", "prevIndex"],
      ["waitIndex", "x", "1", "waitIndex"],
      ["recursive", "x", "true", "recursive"],
      ["sorted", "x", "true", "sorted"],
      ["wait", "x", "true", '"wait"'],
      ["dir", "x", "true", "dir"],
      ["quorum", "x", "true", "quorum"],
      ["stream", "x", "true", "stream"],
      ["wait", "true", "false", "GET requests"],
      ["prevValue", "", "x", "prevValue"],
      ["noValueOnSuccess", "x", "true", "noValueOnSuccess"],
      ["ttl", "x", "", "ttl"],
      ["prevExist", "x", "true", "prevExist"],
      ["refresh", "x", "true", "invalid value for refresh"],
      ["value", "v", "", "A value was provided"],
      ["ttl", "", "5", "No TTL"],
    ];
    const values = new Map<string, string>();
    for (const [name, bad] of wrong.toReversed()) values.set(name, bad);

    for (const [name, bad, good, cause] of wrong) {
      values.set(name, bad);
      const query = [...values].map((pair) => pair.join("=")).join("&");
      expect(refusal("PUT", query).cause).toContain(cause);
      values.set(name, good);
    }
    expect(parse("PUT", [...values].map((pair) => pair.join("=")).join("&")).expiration).toBe(
      NOW + 5_000_000_000n,
    );
  });

  test("an error of the form comes before one of the query", () => {
    expect(refusal("PUT", "a=%qq", "a=%zz").cause).toBe('invalid URL escape "%zz"');
  });

  test("a key below the deepest level is refused", () => {
    const deepest = "/x".repeat(MAX_PATH_DEPTH - 1); // one level is the namespace

    expect(parse("PUT", "", null, deepest).path).toBe(`/1${deepest}`);
    expect(() => parse("PUT", "", null, `${deepest}/x`)).toThrow(EtcdError);
  });
});

describe("any bytes", () => {
  const names = ["value", "ttl", "prevIndex", "waitIndex", "recursive", "wait", "refresh", "prevExist", "x"];
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc
      .array(
        fc.tuple(
          fc.constantFrom(...names),
          fc.constantFrom("=", "", "=="),
          fc.constantFrom("1", "true", "%", "%4", "%41", "", "+", "é"),
        ),
      )
      .map((pairs) => pairs.map((pair) => pair.join("")).join("&")),
  );

  test("are parsed or refused with an EtcdError of index 0, never anything else", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<KeyMethod>("GET", "HEAD", "PUT", "POST", "DELETE"),
        raw,
        fc.option(raw),
        (method, query, form) => {
          try {
            const request = parse(method, query, form);
            expect(request.method).toBe(method);
            expect(BigInt.asIntN(64, request.expiration)).toBe(request.expiration);
          } catch (error) {
            if (!(error instanceof EtcdError)) throw error;
            expect(error.index).toBe(0);
          }
        },
      ),
    );
  });

  test.each([
    ["an escape", "%41", "A"],
    ["a plus", "+", " "],
    ["UTF-8 as it is", "\xc3\xa4", "ä"],
    ["a stray byte", "\xff", "\udcff"],
    ["nothing special", "b", "b"],
  ])("a long value with %s in it is decoded as a short one is", (_, encoded, decoded) => {
    const [before, behind] = ["a".repeat(300), "z".repeat(300)];

    expect(parse("PUT", `value=${encoded}`).val).toBe(decoded);
    expect(parse("PUT", `value=${before}${encoded}${behind}`).val).toBe(before + decoded + behind);
  });

  test("percent-encoding of a value is undone", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
        expect(parse("PUT", `value=${encoded}`).val).toBe(parse("PUT", "", `value=${encoded}`).val);
        expect(parse("PUT", `value=${encoded}`).val.isWellFormed()).toBe(isUtf8(bytes));
      }),
    );
  });
});

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false; // that is the answer
  }
}

describe("work grows with the length of the input and not faster", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    ["pairs", (n: number) => "value=1&".repeat(n)],
    ["empty pairs", (n: number) => "&".repeat(n)],
    ["equals signs", (n: number) => "=".repeat(n)],
    ["escapes", (n: number) => `value=${"%41".repeat(n)}`],
    ["blanks", (n: number) => `value=${"+".repeat(n)}`],
    ["unknown names", (n: number) => `${"x".repeat(n)}=${"y".repeat(n)}`],
    ["digits", (n: number) => `prevIndex=${"9".repeat(n)}`],
    ["zeros", (n: number) => `prevIndex=${"0".repeat(n)}`],
  ])("%s", (_name, make) => {
    const small = workOf(make(1_000));
    const large = workOf(make(4_000));

    expect(small).toBeGreaterThan(500);
    expect(large).toBeLessThan(4.1 * small);
  });
});

/** Characters looked at, so that the result does not depend on the machine. */
function workOf(query: string): number {
  const charCodeAt = vi.spyOn(String.prototype, "charCodeAt");
  const indexOf = vi.spyOn(String.prototype, "indexOf");
  const slice = vi.spyOn(String.prototype, "slice");
  try {
    parse("PUT", query);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
  }
  let work = charCodeAt.mock.calls.length;
  indexOf.mock.results.forEach(({ value }, at) => {
    const end = value === -1 ? String(indexOf.mock.contexts[at]).length : Number(value);
    work += 1 + end - (indexOf.mock.calls[at]?.[1] ?? 0);
  });
  for (const { value } of slice.mock.results) work += String(value).length;
  vi.restoreAllMocks();
  return work;
}
