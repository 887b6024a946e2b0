import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memberId } from "@kv/server";
import { joinThroughDiscovery, readDiscovery } from "./discovery.ts";
import type { DiscoveryOptions } from "./discovery.ts";
import { recordingLogger } from "./recording-logger.test.support.ts";

const FIXTURE = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "../../../conformance/fixtures"),
  "peer/discovery-size2/transcript.json",
);
const TOKEN = "/v2/keys/disc/tok";

interface Exchange {
  readonly request: { readonly line: string; readonly bodyLength: number };
  readonly response: {
    readonly line: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

interface Transcript {
  readonly connections: readonly { readonly exchanges: readonly Exchange[] }[];
}

/** A service on a port of its own that keeps what it was asked. */
class Service implements AsyncDisposable {
  readonly url: string;
  readonly lines: string[] = [];
  readonly bodies: string[] = [];
  readonly log: string[] = [];
  readonly pauses: number[] = [];
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    this.url = `http://127.0.0.1:${address.port}`;
  }

  static async start(answer: (n: number, line: string) => Reply): Promise<Service> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const service = new Service(server);
    server.on("request", (request, response) => {
      void textOf(request).then((body) => {
        const line = `${request.method} ${request.url}`;
        service.lines.push(line);
        if (request.method === "PUT") service.bodies.push(body);
        const reply = answer(service.lines.length - 1, line);
        if (reply === "cut") return response.destroy();
        return response.writeHead(reply.status, { "X-Etcd-Index": String(reply.index ?? 9) }).end(reply.body);
      });
    });
    return service;
  }

  options(path = TOKEN, more: Partial<DiscoveryOptions> = {}): DiscoveryOptions {
    return {
      url: `${this.url}${path}`,
      proxy: null,
      logger: recordingLogger(this.log),
      pause: (delayMs) => {
        this.pauses.push(delayMs);
        return this.pauses.length > 20 ? Promise.reject(new Error(this.log.join())) : Promise.resolve();
      },
      ...more,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Reply = "cut" | { readonly status: number; readonly body: string; readonly index?: number };

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text;
}

/** A file or directory below the token, as the keys API prints it. */
function event(name: string, value: string, createdIndex: number): Reply {
  const node = { key: `/disc/tok${name}`, value, createdIndex, modifiedIndex: createdIndex };
  return { status: 200, body: JSON.stringify({ action: "create", node }), index: createdIndex };
}

function list(
  index: number,
  ...members: readonly (readonly [id: string, value: string, at: number])[]
): Reply {
  const nodes = members.map(([id, value, createdIndex]) => ({
    key: `/disc/tok/${id}`,
    value,
    createdIndex,
    modifiedIndex: createdIndex,
  }));
  const node = { key: "/disc/tok", dir: true, nodes, createdIndex: 1, modifiedIndex: 1 };
  return { status: 200, body: JSON.stringify({ action: "get", node }), index };
}

function size(value: string): Reply {
  return event("/_config/size", value, 2);
}

function refused(status: number, errorCode: number, message: string): Reply {
  return { status, body: JSON.stringify({ errorCode, message, cause: "/disc/tok", index: 9 }) };
}

/** Answers by what is asked, the n-th of the list for each; the last one stays. */
function script(replies: Readonly<Record<"size" | "list" | "put" | "self" | "wait", readonly Reply[]>>) {
  const counts = { size: 0, list: 0, put: 0, self: 0, wait: 0 };
  return (_n: number, line: string): Reply => {
    const kind = line.startsWith("PUT")
      ? "put"
      : line.includes("_config")
        ? "size"
        : line.includes("recursive=true&wait")
          ? "wait"
          : line.includes("wait=true")
            ? "self"
            : "list";
    const all = replies[kind];
    const reply = all[Math.min(counts[kind]++, all.length - 1)];
    if (reply === undefined) throw new Error(`nothing scripted for ${line}`);
    return reply;
  };
}

const SELF = { id: "a1", cluster: "a=http://a:1" };
const A = ["a1", "a=http://a:1", 5] as const;
const B = ["b2", "b=http://b:1", 6] as const;
const C = ["c3", "c=http://c:1", 7] as const;

describe("against the calls that etcd 2.3.8 was seen to make", () => {
  const { connections } = JSON.parse(readFileSync(FIXTURE, "utf8")) as Transcript;
  const own = [
    { id: "9edfbf04fdbf3aa5", name: "d1", url: "http://127.0.0.1:22711" },
    { id: "7b719ad963cc4887", name: "d2", url: "http://127.0.0.1:22721" },
  ];
  const found = "d1=http://127.0.0.1:22711,d2=http://127.0.0.1:22721";

  test.each([0, 1])("member %i makes the same calls and finds the same cluster", async (n) => {
    const exchanges = connections[n]?.exchanges ?? [];
    await using service = await Service.start(replayed(exchanges));
    const { id, name, url } = own[n] ?? { id: "", name: "", url: "" };

    // The ids of the recording come from the recorded token.
    expect(memberId([url], `http://127.0.0.1:22702${TOKEN}`, null)).toBe(id);
    const cluster = await joinThroughDiscovery(service.options(), { id, cluster: `${name}=${url}` });

    expect(cluster).toBe(found);
    expect(service.lines).toStrictEqual(linesOf(exchanges));
    expect(service.bodies).toStrictEqual([`value=${encodeURIComponent(`${name}=${url}`)}`]);
    expect(service.bodies[0]).toHaveLength(exchanges[2]?.request.bodyLength ?? 0);
  });

  test("the third member finds the cluster full without registering", async () => {
    const exchanges = connections[2]?.exchanges ?? [];
    await using service = await Service.start(replayed(exchanges));

    await expect(
      joinThroughDiscovery(service.options(), { id: "d3", cluster: "d3=http://127.0.0.1:1" }),
    ).rejects.toMatchObject({ code: "E_DISCOVERY_FULL", message: "discovery: cluster is full" });
    expect(service.lines).toStrictEqual(linesOf(exchanges));
  });

  test("as a proxy it then takes the first two", async () => {
    const exchanges = connections[3]?.exchanges ?? [];
    await using service = await Service.start(replayed(exchanges));

    expect(await readDiscovery(service.options())).toBe(found);
    expect(service.lines).toStrictEqual(linesOf(exchanges));
  });
});

function linesOf(exchanges: readonly Exchange[]): readonly string[] {
  return exchanges.map(({ request }) => request.line.replace(" HTTP/1.1", ""));
}

function replayed(exchanges: readonly Exchange[]) {
  return (n: number): Reply => {
    const response = exchanges[n]?.response;
    if (response === undefined) throw new Error("more requests than were recorded");
    const status = Number(response.line.split(" ")[1]);
    return { status, body: response.body, index: Number(response.headers["X-Etcd-Index"]) };
  };
}

test("members are taken in the order of registration, whatever the order of the list", async () => {
  await using service = await Service.start(
    script({
      size: [size("3")],
      list: [list(5), list(7, C, A, B)],
      put: [event("/a1", "a=http://a:1", 5)],
      self: [event("/a1", "a=http://a:1", 5)],
      wait: [],
    }),
  );

  expect(await joinThroughDiscovery(service.options(), SELF)).toBe("a=http://a:1,b=http://b:1,c=http://c:1");
  expect(service.log).toStrictEqual([
    "N found self a1 in the cluster",
    "N found peer b2 in the cluster",
    "N found peer c3 in the cluster",
    "N found 3 needed peer(s)",
  ]);
});

test("the wait goes on behind each event; removals and repeated keys do not count", async () => {
  await using service = await Service.start(
    script({
      size: [size("3")],
      list: [list(4), list(5, A)],
      put: [event("/a1", "a=http://a:1", 5)],
      self: [event("/a1", "a=http://a:1", 5)],
      wait: [
        event("/b2", "b=http://b:1", 6),
        { status: 200, body: "" },
        event("/b2", "b=http://b:1", 8),
        event("/x", "", 9),
        event("/c3", "c=http://c:1", 12),
      ],
    }),
  );

  expect(await joinThroughDiscovery(service.options(), SELF)).toBe("a=http://a:1,b=http://b:1,c=http://c:1");
  const waits = service.lines.filter((line) => line.includes("recursive=true&wait"));
  expect(waits.map((line) => line.split("waitIndex=")[1])).toStrictEqual(["6", "7", "7", "9", "10"]);
});

test("a wait that is cut off begins again with the list", async () => {
  await using service = await Service.start(
    script({
      size: [size("2")],
      list: [list(4), list(5, A), list(6, A, B)],
      put: [event("/a1", "a=http://a:1", 5)],
      self: [event("/a1", "a=http://a:1", 5)],
      wait: ["cut"],
    }),
  );

  expect(await joinThroughDiscovery(service.options(), SELF)).toBe("a=http://a:1,b=http://b:1");
  expect(service.pauses).toStrictEqual([2_000]);
});

test("a history that was cleared meanwhile is looked up anew", async () => {
  await using service = await Service.start(
    script({
      size: [size("2")],
      list: [list(4), list(5, A), list(2_000, A, B)],
      put: [event("/a1", "a=http://a:1", 5)],
      self: [event("/a1", "a=http://a:1", 5)],
      wait: [refused(400, 401, "The event in requested index is outdated and cleared")],
    }),
  );

  expect(await joinThroughDiscovery(service.options(), SELF)).toBe("a=http://a:1,b=http://b:1");
});

test("who registers too late finds the cluster full afterwards", async () => {
  await using service = await Service.start(
    script({
      size: [size("1")],
      list: [list(4), list(6, ["b2", "b=http://b:1", 4], A)],
      put: [event("/a1", "a=http://a:1", 5)],
      self: [event("/a1", "a=http://a:1", 5)],
      wait: [],
    }),
  );

  await expect(joinThroughDiscovery(service.options(), SELF)).rejects.toMatchObject({
    code: "E_DISCOVERY_FULL",
  });
});

test("an unreachable service is tried again after 2, 4, 8 … seconds, at most 256", async () => {
  const failures = 10;
  await using service = await Service.start((n) =>
    n < failures ? { status: 503, body: "" } : n === failures ? size("1") : list(4, B),
  );

  expect(await readDiscovery(service.options())).toBe("b=http://b:1");
  expect(service.pauses.map((ms) => ms / 1_000)).toStrictEqual([2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
  expect(service.log.slice(0, 2)).toStrictEqual([
    "E error #0: server answered status 503",
    `I cluster status check: error connecting to ${service.url}, retrying in 2s`,
  ]);
});

test("a refused connection is called as Go calls it", async () => {
  const gone = await Service.start(() => "cut");
  await gone[Symbol.asyncDispose]();
  const stop = new Error("enough");

  await expect(readDiscovery(gone.options(TOKEN, { pause: () => Promise.reject(stop) }))).rejects.toBe(stop);
  expect(gone.log[0]).toBe(
    `E error #0: dial tcp ${gone.url.slice("http://".length)}: connect: connection refused`,
  );
});

describe("refusals", () => {
  const registered = { put: [event("/a1", "", 5)], self: [event("/a1", "", 5)], wait: [] };

  test.each([
    [
      "no size",
      { size: [refused(404, 100, "Key not found")], list: [] },
      "100: Key not found (/disc/tok) [9]",
    ],
    ["a bad size", { size: [size("abc")], list: [] }, "discovery: size key is bad"],
    ["size 0", { size: [size("0")], list: [] }, "discovery: size key is bad"],
    ["no v2 API", { size: [{ status: 200, body: "<html>" }], list: [] }, "discovery: bad discovery endpoint"],
    [
      "one name twice",
      { size: [size("2")], list: [list(4), list(6, A, ["b2", "a=http://b:1", 6])] },
      "discovery: found duplicate name",
    ],
    [
      "a registration that is no URL",
      { size: [size("2")], list: [list(4), list(6, A, ["b2", "nonsense", 6])] },
      "discovery: invalid URL",
    ],
  ])("%s", async (_name, replies, message) => {
    await using service = await Service.start(script({ ...registered, ...replies }));

    await expect(joinThroughDiscovery(service.options(), SELF)).rejects.toThrow(message);
    expect(service.pauses).toStrictEqual([]);
  });

  test("an id that is registered already", async () => {
    await using service = await Service.start(
      script({
        ...registered,
        size: [size("2")],
        list: [list(4, A)],
        put: [refused(412, 105, "Key already exists")],
      }),
    );

    await expect(joinThroughDiscovery(service.options(), SELF)).rejects.toMatchObject({
      code: "E_DISCOVERY_DUPLICATE_ID",
      message: "discovery: found duplicate id",
    });
  });

  test("a registration whose answer is lost is not repeated", async () => {
    await using service = await Service.start(
      script({ ...registered, size: [size("2")], list: [list(4)], put: ["cut"] }),
    );

    await expect(joinThroughDiscovery(service.options(), SELF)).rejects.toMatchObject({
      code: "E_DISCOVERY",
    });
    expect(service.bodies).toHaveLength(1);
  });

  test.each(["garbage", "ftp://h/x", "http://"])("%j is no discovery URL", async (url) => {
    await expect(
      readDiscovery({ url, proxy: null, logger: recordingLogger([]), pause: () => Promise.resolve() }),
    ).rejects.toThrow(`invalid discovery URL "${url}"`);
  });

  test("a proxy address that is no URL", async () => {
    await expect(
      readDiscovery({
        url: "http://127.0.0.1:1/t",
        proxy: "%%%",
        logger: recordingLogger([]),
        pause: () => Promise.resolve(),
      }),
    ).rejects.toThrow('invalid proxy address "%%%"');
  });
});

test.each(["http://", ""])(
  "through an HTTP proxy given as %sHOST:PORT the full URL is asked for",
  async (scheme) => {
    await using proxy = await Service.start((n) => (n === 0 ? size("1") : list(4, B)));
    const url = "http://discovery.invalid/token/";

    const cluster = await readDiscovery(
      proxy.options("", { url, proxy: proxy.url.replace("http://", scheme) }),
    );

    expect(cluster).toBe("b=http://b:1");
    expect(proxy.lines).toStrictEqual([
      "GET http://discovery.invalid/token/_config/size?quorum=false&recursive=false&sorted=false",
      "GET http://discovery.invalid/token?quorum=false&recursive=false&sorted=false",
    ]);
  },
);
