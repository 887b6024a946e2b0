// Everything kvctl says. Spec: ctl.md §5.

import { styleText } from "node:util";
import type { KeyResult, Node, SentRequest } from "@kv/client";
import type { OutputFormat } from "./globals.ts";

/** Where text goes. What it is gets asked only when it matters: looking takes time. */
export interface TextSink {
  readonly write: (text: string) => void;
  /** From now on a reader that does not read holds up nothing but the text. */
  readonly neverBlock?: () => void;
  /** Whether a person reads it as it is written; default: no. */
  readonly isTerminal?: () => boolean;
  /** Whether it shows colours; default: no. */
  readonly hasColors?: () => boolean;
  /** Whether its cursor can be moved; default: no. */
  readonly isScreen?: () => boolean;
}

// What a terminal is told (ECMA-48).
const CURSOR_HOME = "\u001b[H";
const CLEAR_SCREEN = "\u001b[2J";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Prints results and messages. */
export class Printer {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  #hasScreen = false;

  constructor(streams: { readonly stdout: TextSink; readonly stderr: TextSink }) {
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
  }

  /** The text in a colour, where there are colours. */
  painted(text: string, color: "red" | "green"): string {
    return this.#stdout.hasColors?.() === true ? styleText(color, text, { validateStream: false }) : text;
  }

  /** Lines on standard output in place of those of the last call; below them where that cannot be done. */
  screen(lines: readonly string[]): void {
    if (this.#stdout.isScreen?.() !== true) {
      for (const text of lines) this.line(text);
      return;
    }
    // Drawn over line by line and not cleared first, so that nothing flickers.
    const start = this.#hasScreen ? CURSOR_HOME : CLEAR_SCREEN + CURSOR_HOME;
    this.#hasScreen = true;
    this.text(start + lines.map((text) => `${text}${CLEAR_LINE}\n`).join("") + CLEAR_BELOW);
  }

  /** Whether a person reads standard error as it is written. */
  get isErrorWatched(): boolean {
    return this.#stderr.isTerminal?.() === true;
  }

  /** For commands that must hear an interrupt while nobody reads what they print. */
  neverBlock(): void {
    this.#stdout.neverBlock?.();
    this.#stderr.neverBlock?.();
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
