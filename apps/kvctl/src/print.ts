// Everything kvctl says. The only file that touches standard output and standard error. Spec: ctl.md §5.

import { styleText } from "node:util";
import type { KeyResult, Node, SentRequest } from "@kv/client";
import type { OutputFormat } from "./globals.ts";

/** Where text goes. */
export interface TextSink {
  write(text: string): unknown;
  /** True for a terminal. */
  readonly isTTY?: boolean;
}

/** Prints results and messages. */
export class Printer {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  readonly #isColored: boolean;

  /** `isColored` is about standard output; default: no colours. */
  constructor(streams: {
    readonly stdout: TextSink;
    readonly stderr: TextSink;
    readonly isColored?: boolean;
  }) {
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
    this.#isColored = streams.isColored ?? false;
  }

  /** A line on standard output, in a colour where there are colours. */
  colored(text: string, color: "red" | "green"): void {
    this.line(this.#isColored ? styleText(color, text, { validateStream: false }) : text);
  }

  /** Whether a person reads standard error as it is written. */
  get isErrorWatched(): boolean {
    return this.#stderr.isTTY === true;
  }

  /** A line on standard output. */
  line(text: string): void {
    this.#stdout.write(`${text}\n`);
  }

  /** Text on standard output, as it is. */
  text(text: string): void {
    this.#stdout.write(text);
  }

  /** A line on standard error. */
  error(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Text on standard error, as it is. */
  errorText(text: string): void {
    this.#stderr.write(text);
  }

  /** What a key command did. */
  result(result: KeyResult, format: OutputFormat): void {
    this.line(formatResult(result, format));
  }

  /** A request as a curl command on standard error. */
  request(request: SentRequest): void {
    this.error(`cURL Command: ${formatCurl(request)}`);
  }
}

/** A printer on the standard streams. A reader that goes away (`kvctl ls | head`) ends the program quietly. */
export function standardPrinter(): Printer {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  // hasColors() says no when NO_COLOR is set or TERM is dumb.
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  return new Printer({ stdout: process.stdout, stderr: process.stderr, isColored });
}

/** The text of a result, without the final newline. */
export function formatResult(result: KeyResult, format: OutputFormat): string {
  return FORMATTERS[format](result);
}

/** The request as the shell could send it, without credentials. */
export function formatCurl({ method, endpoint, path, body }: SentRequest): string {
  const data = body === null ? "" : ` -d ${JSON.stringify(body)}`;
  return `curl -X ${method} ${endpoint}${path}${data}`;
}

function formatSimple({ action, node, prevNode }: KeyResult): string {
  if (action === "delete" && prevNode !== null) return `PrevNode.Value: ${prevNode.value ?? ""}`;
  return node.value ?? "";
}

function formatExtended({ action, node, prevNode, etcdIndex }: KeyResult): string {
  return [
    `Key: ${node.key}`,
    `Created-Index: ${node.createdIndex}`,
    `Modified-Index: ${node.modifiedIndex}`,
    ...(prevNode === null ? [] : [`PrevNode.Value: ${prevNode.value ?? ""}`]),
    `TTL: ${node.ttl ?? 0}`,
    `Index: ${etcdIndex}`,
    ...(action === "delete" ? [] : ["", node.value ?? ""]),
  ].join("\n");
}

function formatJson({ action, node, prevNode }: KeyResult): string {
  const event = { action, node: jsonNode(node), prevNode: prevNode === null ? null : jsonNode(prevNode) };
  // As etcdctl's encoder does, so that the line may stand inside HTML and JavaScript.
  return JSON.stringify(event).replaceAll(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

interface JsonNode {
  readonly key: string;
  readonly dir?: true;
  readonly value: string;
  readonly nodes: readonly JsonNode[] | null;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  readonly expiration?: string;
  readonly ttl?: number;
}

function jsonNode(node: Node): JsonNode {
  return {
    key: node.key,
    ...(node.dir ? { dir: true } : {}),
    value: node.value ?? "",
    nodes: node.nodes?.map(jsonNode) ?? null,
    createdIndex: node.createdIndex,
    modifiedIndex: node.modifiedIndex,
    ...(node.expiration === null ? {} : { expiration: node.expiration }),
    ...(node.ttl === null ? {} : { ttl: node.ttl }),
  };
}

const FORMATTERS: Readonly<Record<OutputFormat, (result: KeyResult) => string>> = {
  simple: formatSimple,
  extended: formatExtended,
  json: formatJson,
};
