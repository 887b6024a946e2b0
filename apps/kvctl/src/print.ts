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

// What a terminal is told (ECMA-48).
const CURSOR_HOME = "\u001b[H";
const CLEAR_SCREEN = "\u001b[2J";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Prints results and messages. */
export class Printer {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  readonly #isColored: boolean;
  readonly #isScreen: boolean;
  #hasScreen = false;

  /** About standard output: `isColored` if there are colours, `isScreen` if its cursor can be moved; default: no. */
  constructor(streams: {
    readonly stdout: TextSink;
    readonly stderr: TextSink;
    readonly isColored?: boolean;
    readonly isScreen?: boolean;
  }) {
    this.#stdout = streams.stdout;
    this.#stderr = streams.stderr;
    this.#isColored = streams.isColored ?? false;
    this.#isScreen = streams.isScreen ?? false;
  }

  /** The text in a colour, where there are colours. */
  painted(text: string, color: "red" | "green"): string {
    return this.#isColored ? styleText(color, text, { validateStream: false }) : text;
  }

  /** Lines on standard output in place of those of the last call; below them where that cannot be done. */
  screen(lines: readonly string[]): void {
    if (!this.#isScreen) {
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
export function standardPrinter(environment: Readonly<Record<string, string | undefined>>): Printer {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  // hasColors() says no when NO_COLOR is set or TERM is dumb.
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  const isScreen = process.stdout.isTTY && environment["TERM"] !== "dumb";
  return new Printer({ stdout: process.stdout, stderr: process.stderr, isColored, isScreen });
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
