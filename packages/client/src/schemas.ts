// What the server may answer, one schema per response, checked at the edge and nowhere else. Wire shapes that are
// absent become null. The types are written beside their schemas, because isolated declarations cannot infer them and
// each field has its comment; the annotation lets the compiler refuse a schema that gives something else.
// Client-api.md §5, §6, §10–§13.

import * as z from "zod/mini";
import { _default as withDefault } from "zod/mini";
import { decoder, parseJson } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import type { EtcdErrorFields } from "./errors.ts";

/** What an operation did; `get` for reads. */
export type Action =
  | "get"
  | "set"
  | "create"
  | "update"
  | "delete"
  | "compareAndSwap"
  | "compareAndDelete"
  | "expire";

/** A file or directory, as it was when the answer was written. */
export interface Node {
  /** Absolute; empty for the root. */
  readonly key: string;
  /** Null for directories and for nodes that are gone. Bytes that are not UTF-8 arrive as U+FFFD. */
  readonly value: string | null;
  /** False for files; also of a directory that expired, which only `prevNode` may tell. */
  readonly dir: boolean;
  /** Seconds left, rounded up; null without a TTL. */
  readonly ttl: number | null;
  /** RFC 3339 in UTC with up to nine fraction digits; null without a TTL. */
  readonly expiration: string | null;
  /** Children, if this is a directory that was expanded and has any. */
  readonly nodes: readonly Node[] | null;
  /** Store index of the write that made the node; an update or a compare-and-swap keeps it. 0 for the root. */
  readonly createdIndex: number;
  /** Store index of its last change, a refresh of the TTL included; of a node that is gone, that of its end. */
  readonly modifiedIndex: number;
}

/** What happened to one node. */
export interface KeyEvent {
  readonly action: Action;
  /** The node afterwards; of one that is gone, its key and indexes. */
  readonly node: Node;
  /** The node before, if there was one. */
  readonly prevNode: Node | null;
}

/** A member of the cluster. */
export interface Member {
  /** Hexadecimal, without leading zeros. */
  readonly id: string;
  /** Empty until the member has started. */
  readonly name: string;
  /** Where the other members reach it. */
  readonly peerURLs: readonly string[];
  /** Empty until the member has started. */
  readonly clientURLs: readonly string[];
}

/**
 * `/v2/stats/self`: a server and its append traffic with other members. Rates are those of the last 200 requests
 * at most, and 0 without any in the last second. Times are RFC 3339 in the server's own zone.
 */
export interface SelfStats {
  readonly name: string;
  /** Hexadecimal, without leading zeros. */
  readonly id: string;
  /** `StateLeader` or `StateFollower`; a follower that has lost its leader goes on saying so. */
  readonly state: string;
  /** When the server started. */
  readonly startTime: string;
  /** The last leader that the server knew: member id, for how long (as Go writes it, `1m2.5s`), since when. */
  readonly leaderInfo: { readonly leader: string; readonly uptime: string; readonly startTime: string };
  /** Append requests received since the start. */
  readonly recvAppendRequestCnt: number;
  /** Append requests received per second. */
  readonly recvPkgRate: number;
  /** Bytes of append requests received per second. */
  readonly recvBandwidthRate: number;
  /** Append requests sent since the start. */
  readonly sendAppendRequestCnt: number;
  /** Append requests sent per second. */
  readonly sendPkgRate: number;
  /** Bytes of append requests sent per second. */
  readonly sendBandwidthRate: number;
}

/** A follower as its leader sees it. */
export interface FollowerStats {
  /** Milliseconds until append requests were answered; `minimum` is 2^63 before the first one was. */
  readonly latency: {
    readonly current: number;
    readonly average: number;
    readonly standardDeviation: number;
    readonly minimum: number;
    readonly maximum: number;
  };
  /** Append requests to it that failed and that succeeded. */
  readonly counts: { readonly fail: number; readonly success: number };
}

/** `/v2/stats/leader`. Member ids are hexadecimal, without leading zeros. */
export interface LeaderStats {
  /** Member id of the leader. */
  readonly leader: string;
  /** By member id; empty for a single member. */
  readonly followers: Readonly<Record<string, FollowerStats>>;
}

/**
 * `/v2/stats/store`: operations that this server's store carried out and refused. A restart goes on from the
 * numbers in its last snapshot. The server's own reads and writes count too.
 */
export interface StoreStats {
  readonly getsSuccess: number;
  readonly getsFail: number;
  /** Writes without a condition. */
  readonly setsSuccess: number;
  readonly setsFail: number;
  readonly deleteSuccess: number;
  readonly deleteFail: number;
  /** Writes with `prevExist: true`, refreshes included. */
  readonly updateSuccess: number;
  readonly updateFail: number;
  /** Writes with `prevExist: false`, and in-order ones. */
  readonly createSuccess: number;
  readonly createFail: number;
  readonly compareAndSwapSuccess: number;
  readonly compareAndSwapFail: number;
  readonly compareAndDeleteSuccess: number;
  readonly compareAndDeleteFail: number;
  /** Nodes that are gone because their TTL was over. */
  readonly expireCount: number;
  /** Watches that wait at this moment. */
  readonly watchers: number;
}

/** `/version`. */
export interface Version {
  /** What this server runs, `2.3.8`. */
  readonly etcdserver: string;
  /** The lowest that all members run, `2.3.0`; `not_decided` until the members have agreed. */
  readonly etcdcluster: string;
}

const index: Decoder<number> = decoder(() => z.int().check(z.nonnegative()));
const count: Decoder<number> = decoder(() => z.number().check(z.nonnegative()));

/** Absent and null are the same. */
function orNull<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T | null> {
  return withDefault(z.nullable(schema), null);
}

const node: Decoder<Node> = decoder(() =>
  z.object({
    key: withDefault(z.string(), ""),
    value: orNull(z.string()),
    dir: withDefault(z.boolean(), false),
    ttl: orNull(z.int()),
    expiration: orNull(z.string()),
    nodes: orNull(z.lazy(() => z.array(node()))),
    createdIndex: withDefault(index(), 0),
    modifiedIndex: withDefault(index(), 0),
  }),
);

/** `/v2/keys` */
export const keyEventDecoder: Decoder<KeyEvent> = decoder(() =>
  z.object({
    action: z.enum([
      "get",
      "set",
      "create",
      "update",
      "delete",
      "compareAndSwap",
      "compareAndDelete",
      "expire",
    ]),
    node: node(),
    prevNode: orNull(node()),
  }),
);

/** `/v2/members/leader` and POST `/v2/members` */
export const memberDecoder: Decoder<Member> = decoder(() =>
  z.object({
    id: z.string().check(z.regex(/^[0-9a-f]+$/)),
    name: z.string(),
    peerURLs: z.array(z.string()),
    clientURLs: z.array(z.string()),
  }),
);

/** `/v2/members` */
export const membersDecoder: Decoder<{ members: Member[] }> = decoder(() =>
  z.object({ members: z.array(memberDecoder()) }),
);

/** `/v2/stats/self` */
export const selfStatsDecoder: Decoder<SelfStats> = decoder(() =>
  z.object({
    name: z.string(),
    id: z.string(),
    state: z.string(),
    startTime: z.string(),
    leaderInfo: z.object({ leader: z.string(), uptime: z.string(), startTime: z.string() }),
    recvAppendRequestCnt: count(),
    recvPkgRate: withDefault(count(), 0),
    recvBandwidthRate: withDefault(count(), 0),
    sendAppendRequestCnt: count(),
    sendPkgRate: withDefault(count(), 0),
    sendBandwidthRate: withDefault(count(), 0),
  }),
);

/** `/v2/stats/leader` */
export const leaderStatsDecoder: Decoder<LeaderStats> = decoder(() =>
  z.object({
    leader: z.string(),
    followers: z.record(
      z.string(),
      z.object({
        latency: z.object({
          current: count(),
          average: count(),
          standardDeviation: count(),
          minimum: count(),
          maximum: count(),
        }),
        counts: z.object({ fail: count(), success: count() }),
      }),
    ),
  }),
);

/** `/v2/stats/store` */
export const storeStatsDecoder: Decoder<StoreStats> = decoder(() =>
  z.object({
    getsSuccess: count(),
    getsFail: count(),
    setsSuccess: count(),
    setsFail: count(),
    deleteSuccess: count(),
    deleteFail: count(),
    updateSuccess: count(),
    updateFail: count(),
    createSuccess: count(),
    createFail: count(),
    compareAndSwapSuccess: count(),
    compareAndSwapFail: count(),
    compareAndDeleteSuccess: count(),
    compareAndDeleteFail: count(),
    expireCount: count(),
    watchers: count(),
  }),
);

/** `/version` */
export const versionDecoder: Decoder<Version> = decoder(() =>
  z.object({ etcdserver: z.string(), etcdcluster: z.string() }),
);

/** `/health` */
export const healthDecoder: Decoder<{ health: string }> = decoder(() =>
  z.object({ health: z.enum(["true", "false"]) }),
);

const serverError = decoder(() =>
  z.union([
    z.object({
      errorCode: z.int(),
      message: z.string(),
      cause: withDefault(z.string(), ""),
      index: withDefault(index(), 0),
    }),
    z.object({ message: z.string() }),
  ]),
);

/** The fields of an error answer of any family (client-api.md §6, §10.2), or null if the body is none. */
export function parseServerError(
  body: string,
): Pick<EtcdErrorFields, "errorCode" | "message" | "etcdCause" | "index"> | null {
  const result = serverError().safeParse(parseJson(body));
  if (!result.success) return null;
  const error = result.data;
  if (!("errorCode" in error)) return { errorCode: null, message: error.message, etcdCause: "", index: null };
  return { errorCode: error.errorCode, message: error.message, etcdCause: error.cause, index: error.index };
}
