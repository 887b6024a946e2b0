// /v2/auth: the switch, users and roles (client-api.md §14). What may be done is auth/; this is the
// conversation: methods, permission, bodies and answers, in etcd's order.

import { HttpBodyError, type HttpHeaders, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import { bytesToText, EtcdError, quoteJson } from "@kv/store";
import type { z } from "zod";
import { AuthError, type AuthErrorCode } from "../auth/auth-error.ts";
import { roleNotFound, userNotFound, type AuthStore } from "../auth/auth-store.ts";
import { decodeJson } from "../auth/go-json.ts";
import type { Guard } from "../auth/guard.ts";
import { isEmpty } from "../auth/permissions.ts";
import { roleJson, roleSchema, type Role } from "../auth/role.ts";
import { userChangeSchema, userJson, type User, type UserChange } from "../auth/user.ts";
import type { Logger } from "../logger.ts";
import type { Server } from "../server-api.ts";
import { isLowerRelease } from "../versions.ts";
import {
  clusterIdHeader,
  internalError,
  JSON_TYPE,
  messageResponse,
  methodNotAllowed,
  noRootResponse,
  notFound,
} from "./errors.ts";
import { KeyForm } from "./key-form.ts";

/** The first cluster version whose members all know users. */
const FIRST_VERSION = "2.1.0";

const BODY_SIZE_MAX_BYTES = 1_048_576;
const ITEM_METHODS = ["GET", "PUT", "DELETE"];

const STATUS: Readonly<Record<AuthErrorCode, number>> = {
  E_AUTH_INVALID: 400,
  E_AUTH_FORBIDDEN: 403,
  E_AUTH_NOT_FOUND: 404,
  E_AUTH_CONFLICT: 409,
};

/** What the handler of `/v2/auth` needs. */
export interface AuthHandlerDeps {
  readonly store: AuthStore;
  readonly guard: Guard;
  readonly logger: Logger;
}

type Answer = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** Answers everything below `/v2/auth`. */
export class AuthHandler {
  readonly #server: Server;
  readonly #store: AuthStore;
  readonly #guard: Guard;
  readonly #logger: Logger;
  readonly #headers: HttpHeaders;

  constructor(server: Server, deps: AuthHandlerDeps) {
    this.#server = server;
    this.#store = deps.store;
    this.#guard = deps.guard;
    this.#logger = deps.logger;
    this.#headers = [JSON_TYPE, clusterIdHeader(server.clusterId)];
  }

  /** `rest` is the clean path behind `/v2/auth`. */
  handle(request: HttpRequest, rest: string): HttpResponse | Promise<HttpResponse> {
    const [, resource, name = "", ...more] = rest.split("/");
    const isKnown = resource === "users" || resource === "roles" || rest === "/enable";
    if (!isKnown) return notFound();
    const version = this.#server.clusterVersion;
    if (version === null || isLowerRelease(version, FIRST_VERSION)) {
      return messageResponse(500, "Not capable of accessing auth feature during rolling upgrades.");
    }
    if (rest === "/enable") return this.#enable(request);
    if (more.length > 1 || (more[0] ?? "") !== "") return messageResponse(400, "Invalid path");
    if (name === "") {
      const list = resource === "users" ? () => this.#listUsers(request) : () => this.#listRoles(request);
      return this.#asRoot(request, ["GET"], list);
    }
    const item = resource === "users" ? this.#user(name) : this.#role(name);
    return this.#asRoot(request, ITEM_METHODS, item);
  }

  #enable(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    if (request.method === "GET") return this.#json(200, `{"enabled":${this.#store.isEnabled}}`);
    return this.#asRoot(request, ITEM_METHODS, async () => {
      if (request.method === "PUT") await this.#store.enable();
      else await this.#store.disable();
      return this.#empty();
    });
  }

  /** Whose method is none of `methods`, or who is not root, is refused; what goes wrong later becomes an answer. */
  async #asRoot(request: HttpRequest, methods: readonly string[], answer: Answer): Promise<HttpResponse> {
    if (!methods.includes(request.method)) return methodNotAllowed(methods.join(","));
    try {
      if (!(await this.#guard.isRoot(request.header("authorization")))) return noRootResponse();
      return await answer(request);
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #listUsers(request: HttpRequest): Promise<HttpResponse> {
    const users = await this.#store.users();
    checkQuery(request);
    const json = users.map((user) => this.#userWithRolesJson(user, this.#knownRoles(user)));
    return this.#json(200, users.length === 0 ? '{"users":null}' : `{"users":[${json.join(",")}]}`);
  }

  async #listRoles(request: HttpRequest): Promise<HttpResponse> {
    const roles = await this.#store.roles();
    checkQuery(request);
    return this.#json(200, `{"roles":[${roles.map(roleJson).join(",")}]}`);
  }

  #user(name: string): Answer {
    return async (request) => {
      if (request.method === "GET") return this.#getUser(request, name);
      if (request.method === "PUT") return this.#putUser(request, name);
      await this.#store.deleteUser(name);
      return this.#empty();
    };
  }

  #getUser(request: HttpRequest, name: string): HttpResponse {
    const user = this.#store.user(name);
    if (user === null) throw userNotFound(name);
    checkQuery(request);
    for (const role of user.roles ?? []) if (this.#store.role(role) === null) throw roleNotFound(role);
    return this.#json(200, this.#userWithRolesJson(user, this.#knownRoles(user)));
  }

  async #putUser(request: HttpRequest, name: string): Promise<HttpResponse> {
    const change = await readBody(request, userChangeSchema);
    if (change === null) return this.#invalidJson();
    if (change.name !== name) return this.#badRequest("User JSON name does not match the name in the URL");
    const hasRoles = (change.roles ?? []).length > 0;
    if (change.grant.length > 0 || change.revoke.length > 0) {
      if (hasRoles) return this.#badRequest("User JSON contains both roles and grant/revoke");
      return this.#userAnswer(200, await this.#store.updateUser(change));
    }
    if (hasRoles) return this.#userAnswer(200, await this.#store.createUser(change)); // etcd says 200 here
    return this.#createOrUpdate(change);
  }

  async #createOrUpdate(change: UserChange): Promise<HttpResponse> {
    if (this.#store.user(change.name) === null) {
      return this.#userAnswer(201, await this.#store.createUser(change));
    }
    return this.#userAnswer(200, await this.#store.updateUser(change));
  }

  #role(name: string): Answer {
    return async (request) => {
      if (request.method === "GET") return this.#getRole(name);
      if (request.method === "PUT") return this.#putRole(request, name);
      await this.#store.deleteRole(name);
      return this.#empty();
    };
  }

  #getRole(name: string): HttpResponse {
    const role = this.#store.role(name);
    if (role === null) throw roleNotFound(name);
    return this.#json(200, roleJson(role));
  }

  async #putRole(request: HttpRequest, name: string): Promise<HttpResponse> {
    const role = await readBody(request, roleSchema);
    if (role === null) return this.#invalidJson();
    if (role.name !== name) return this.#badRequest("Role JSON name does not match the name in the URL");
    const isNew =
      (role.grant === null || isEmpty(role.grant)) && (role.revoke === null || isEmpty(role.revoke));
    if (isNew) {
      await this.#store.createRole(role);
      return this.#json(201, roleJson(role));
    }
    if (!isEmpty(role.permissions)) {
      return this.#badRequest("Role JSON contains both permissions and grant/revoke");
    }
    return this.#json(200, roleJson(await this.#store.updateRole(role)));
  }

  #knownRoles(user: User): Role[] {
    return (user.roles ?? []).map((name) => this.#store.role(name)).filter((role) => role !== null);
  }

  #userWithRolesJson(user: User, roles: readonly Role[]): string {
    const rolesMember = roles.length === 0 ? "" : `,"roles":[${roles.map(roleJson).join(",")}]`;
    return `{"user":${quoteJson(user.name)}${rolesMember}}`;
  }

  #userAnswer(status: number, user: User): HttpResponse {
    return this.#json(status, userJson({ ...user, password: "" }));
  }

  #json(status: number, json: string): HttpResponse {
    return { status, headers: this.#headers, body: `${json}\n` };
  }

  #empty(): HttpResponse {
    return { status: 200, headers: this.#headers, body: null };
  }

  #invalidJson(): HttpResponse {
    return this.#badRequest("Invalid JSON in request body.");
  }

  #badRequest(message: string): HttpResponse {
    return this.#message(400, message);
  }

  #message(status: number, message: string): HttpResponse {
    return messageResponse(status, message, [clusterIdHeader(this.#server.clusterId)]);
  }

  #fail(error: unknown): HttpResponse {
    if (error instanceof AuthError) return this.#message(STATUS[error.code], error.message);
    if (error instanceof HttpBodyError && error.code === "aborted") throw error; // there is nobody to answer
    // A timeout, a shutdown, or a query that cannot be read: etcd has no answer of its own for them.
    if (!(error instanceof EtcdError)) {
      this.#logger.error("auth request failed unexpectedly", { error: String(error) });
    }
    return internalError([clusterIdHeader(this.#server.clusterId)]);
  }
}

/** @throws {EtcdError} when the query has a bad escape; the parameters themselves mean nothing here. */
function checkQuery(request: HttpRequest): void {
  new KeyForm().read(request.query);
}

/** The body as JSON, whatever its type says; null when it is not what it has to be. */
async function readBody<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<T | null> {
  let body: Uint8Array;
  try {
    body = await request.body(BODY_SIZE_MAX_BYTES);
  } catch (error) {
    if (error instanceof HttpBodyError && error.code === "too_large") return null;
    throw error;
  }
  return decodeJson(bytesToText(body).toWellFormed(), schema);
}
