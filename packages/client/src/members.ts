// The members of the cluster and how to change them. Client-api.md §11.

import type { ApiRequest, RequestOptions, Requester } from "./requester.ts";
import { decode } from "./decoder.ts";
import { memberDecoder, membersDecoder } from "./schemas.ts";
import type { Member } from "./schemas.ts";

const JSON_TYPE = "application/json";

/** Reads and changes the membership. Changes are never sent twice. */
export class Members {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** All members by id, as the answering server knows them; works without a leader. */
  async list(options: RequestOptions = {}): Promise<readonly Member[]> {
    const answer = await this.#requester.send({ method: "GET", path: "/v2/members", isSafe: true, options });
    return decode(membersDecoder, answer).members;
  }

  /**
   * The leader.
   *
   * @throws {EtcdError} status 503 if no endpoint knows one
   */
  async leader(options: RequestOptions = {}): Promise<Member> {
    const answer = await this.#requester.send({
      method: "GET",
      path: "/v2/members/leader",
      isSafe: true,
      options,
    });
    return decode(memberDecoder, answer);
  }

  /** Adds a member that has yet to start. */
  async add(peerURLs: readonly string[], options: RequestOptions = {}): Promise<Member> {
    const answer = await this.#requester.send(change("POST", "/v2/members", options, peerURLs));
    return decode(memberDecoder, answer);
  }

  /** Removes a member for good. */
  async remove(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#requester.send(change("DELETE", memberPath(id), options));
  }

  /** Replaces the peer URLs of a member. */
  async update(id: string, peerURLs: readonly string[], options: RequestOptions = {}): Promise<void> {
    await this.#requester.send(change("PUT", memberPath(id), options, peerURLs));
  }
}

function change(
  method: ApiRequest["method"],
  path: string,
  options: RequestOptions,
  peerURLs?: readonly string[],
): ApiRequest {
  const request = { method, path, isSafe: false, options };
  return peerURLs === undefined
    ? request
    : { ...request, body: { type: JSON_TYPE, text: JSON.stringify({ peerURLs }) } };
}

function memberPath(id: string): string {
  return `/v2/members/${encodeURIComponent(id)}`;
}
