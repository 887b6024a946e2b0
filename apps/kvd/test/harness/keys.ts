// The smallest client that tests need: one request, its JSON, and the index headers.

const REQUEST_TIMEOUT_MS = 10_000;

/** A node as the API prints it. */
export interface Node {
  readonly key?: string;
  readonly value?: string;
  readonly dir?: boolean;
  readonly nodes?: readonly Node[];
  readonly createdIndex: number;
  readonly modifiedIndex: number;
}

/** An answer of the keys API: an event or an error. */
export interface Answer {
  readonly status: number;
  readonly etcdIndex: number;
  readonly body: {
    readonly action?: string;
    readonly node?: Node;
    readonly prevNode?: Node;
    readonly errorCode?: number;
    readonly message?: string;
    readonly cause?: string;
  };
}

/** Any request; `form` is sent as a form body. */
export async function request(
  method: string,
  url: string,
  options: { readonly form?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<Response> {
  return fetch(url, {
    method,
    ...(options.form === undefined ? {} : { body: new URLSearchParams(options.form) }),
    signal: AbortSignal.timeout(options.timeoutMs ?? REQUEST_TIMEOUT_MS),
  });
}

/** A request to `/v2/keys`; `path` may have a query. */
export async function keys(
  method: string,
  baseUrl: string,
  path: string,
  options: { readonly form?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<Answer> {
  const response = await request(method, `${baseUrl}/v2/keys${path}`, options);
  const body = (await response.json()) as Answer["body"];
  return { status: response.status, etcdIndex: Number(response.headers.get("x-etcd-index")), body };
}

/** Writes one value. @throws {Error} unless it is acknowledged. */
export async function put(
  baseUrl: string,
  path: string,
  value: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<Node> {
  const { status, body } = await keys("PUT", baseUrl, path, { form: { value }, ...options });
  if (body.node === undefined) throw new Error(`PUT ${path} was answered ${status}: ${JSON.stringify(body)}`);
  return body.node;
}

/** Reads one value. @throws {Error} unless it is there. */
export async function get(baseUrl: string, path: string): Promise<Node> {
  const { status, body } = await keys("GET", baseUrl, path);
  if (body.node === undefined) throw new Error(`GET ${path} was answered ${status}: ${JSON.stringify(body)}`);
  return body.node;
}

/** The answer of a JSON resource. @throws {Error} unless it is 200. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await request("GET", url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${url} was answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Sends JSON. @throws {Error} unless the answer is a success. */
export async function postJson(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} was answered ${response.status}: ${text}`);
}
