// /v2/members: who belongs to the cluster, and changing it (client-api.md §11).

import { HttpBodyError, type HttpHeaders, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import { parseNodeId } from "@kv/raft/codec";
import type { NodeId } from "@kv/raft";
import { quoteJson } from "@kv/store";
import type { Guard } from "../auth/guard.ts";
import type { Logger } from "../logger.ts";
import { MemberError, type Member, type MemberErrorCode, type Server } from "../server-api.ts";
import {
  clusterIdHeader,
  internalError,
  JSON_TYPE,
  messageResponse,
  methodNotAllowed,
  methodNotAllowedHere,
  noRootResponse,
} from "./errors.ts";
import { MemberRequestError, parseMemberRequest } from "./member-request.ts";

const BODY_SIZE_MAX_BYTES = 1_048_576;

/** Answers `/v2/members` and everything below. */
export class MembersHandler {
  readonly #server: Server;
  readonly #logger: Logger;
  readonly #guard: Pick<Guard, "isRoot">;
  readonly #headers: HttpHeaders;

  constructor(server: Server, deps: { readonly logger: Logger; readonly guard: Pick<Guard, "isRoot"> }) {
    this.#server = server;
    this.#guard = deps.guard;
    this.#logger = deps.logger;
    this.#headers = [clusterIdHeader(server.clusterId)];
  }

  /** `rest` is the clean path behind `/v2/members`. */
  handle(request: HttpRequest, rest: string): HttpResponse | Promise<HttpResponse> {
    const name = rest.slice(1);
    switch (request.method) {
      case "GET":
        return this.#get(name);
      case "POST":
        return this.#asRoot(request, () => this.#add(request));
      case "DELETE":
        return this.#asRoot(request, () => this.#remove(name));
      case "PUT":
        return this.#asRoot(request, () => this.#update(request, name));
      default:
        return methodNotAllowed("GET,POST,DELETE,PUT");
    }
  }

  #get(name: string): HttpResponse {
    const members = this.#server.members();
    if (name === "") return this.#json(200, `{"members":[${members.map(memberJson).join(",")}]}`);
    if (name !== "leader") return messageResponse(404, "Not found", this.#headers);
    const leader = members.find((member) => member.id === this.#server.leader);
    if (leader === undefined) return messageResponse(503, "During election", this.#headers);
    return this.#json(200, memberJson(leader));
  }

  async #asRoot(request: HttpRequest, change: () => Promise<HttpResponse>): Promise<HttpResponse> {
    let isRoot: boolean;
    try {
      isRoot = await this.#guard.isRoot(request.header("authorization"));
    } catch (error) {
      return this.#fail(error);
    }
    return isRoot ? change() : noRootResponse();
  }

  async #add(request: HttpRequest): Promise<HttpResponse> {
    const body = await this.#readPeerUrls(request);
    if (body.refusal !== null) return body.refusal;
    try {
      return this.#json(201, memberJson(await this.#server.addMember(body.peerUrls)));
    } catch (error) {
      if (isRefusal(error, "E_ID_EXISTS") || isRefusal(error, "E_PEER_URL_EXISTS"))
        return this.#conflict(error);
      return this.#fail(error);
    }
  }

  async #remove(name: string): Promise<HttpResponse> {
    if (name === "") return methodNotAllowedHere(this.#headers);
    const id = memberIdOf(name);
    if (id === null) return this.#noSuchMember(name);
    try {
      await this.#server.removeMember(id);
      return this.#noContent();
    } catch (error) {
      if (isRefusal(error, "E_ID_NOT_FOUND")) return this.#noSuchMember(id);
      if (!isRefusal(error, "E_ID_REMOVED")) return this.#fail(error);
      return messageResponse(410, `Member permanently removed: ${id}`, this.#headers);
    }
  }

  async #update(request: HttpRequest, name: string): Promise<HttpResponse> {
    if (name === "") return methodNotAllowedHere(this.#headers);
    const id = memberIdOf(name);
    if (id === null) return this.#noSuchMember(name);
    const body = await this.#readPeerUrls(request);
    if (body.refusal !== null) return body.refusal;
    try {
      await this.#server.updateMember(id, body.peerUrls);
      return this.#noContent();
    } catch (error) {
      if (isRefusal(error, "E_ID_NOT_FOUND")) return this.#noSuchMember(id);
      if (isRefusal(error, "E_PEER_URL_EXISTS")) return this.#conflict(error);
      return this.#fail(error); // a removed id too: etcd answers 500 to it
    }
  }

  async #readPeerUrls(
    request: HttpRequest,
  ): Promise<{ peerUrls: readonly string[]; refusal: null } | { peerUrls: null; refusal: HttpResponse }> {
    const type = request.header("content-type") ?? "";
    if (type !== "application/json") {
      const text = `Bad Content-Type ${type}, accept application/json`;
      return { peerUrls: null, refusal: messageResponse(415, text, this.#headers) };
    }
    try {
      return { peerUrls: parseMemberRequest(await request.body(BODY_SIZE_MAX_BYTES)), refusal: null };
    } catch (error) {
      const isRefused =
        error instanceof MemberRequestError || (error instanceof HttpBodyError && error.code === "too_large");
      if (!isRefused) throw error; // the client is gone
      return { peerUrls: null, refusal: messageResponse(400, error.message, this.#headers) };
    }
  }

  #json(status: number, json: string): HttpResponse {
    return { status, headers: [JSON_TYPE, ...this.#headers], body: `${json}\n` };
  }

  #noContent(): HttpResponse {
    return { status: 204, headers: this.#headers, body: null };
  }

  #noSuchMember(name: string): HttpResponse {
    return messageResponse(404, `No such member: ${name}`, this.#headers);
  }

  #conflict(error: MemberError): HttpResponse {
    return messageResponse(409, error.message, this.#headers);
  }

  /** A timeout, a shutdown, or what etcd has no answer of its own for. */
  #fail(error: unknown): HttpResponse {
    if (error instanceof MemberError) {
      this.#logger.warn("membership change failed", { code: error.code, error: error.message });
    } else {
      this.#logger.error("membership change failed unexpectedly", { error: String(error) });
    }
    return internalError(this.#headers);
  }
}

function isRefusal(error: unknown, code: MemberErrorCode): error is MemberError {
  return error instanceof MemberError && error.code === code;
}

/** An id as people write it, with any number of zeros before it; null when it is none. */
function memberIdOf(text: string): NodeId | null {
  const digits = /^0*([0-9a-fA-F]{1,16})$/.exec(text)?.[1];
  return digits === undefined ? null : parseNodeId(digits);
}

function memberJson(member: Member): string {
  return (
    `{"id":"${member.id}","name":${quoteJson(member.name)}` +
    `,"peerURLs":[${member.peerUrls.map(quoteJson).join(",")}]` +
    `,"clientURLs":[${member.clientUrls.map(quoteJson).join(",")}]}`
  );
}
