// A listing as clients read it, byte for byte what write-key-event.ts prints for the event of a get, but node by node
// and with what the nodes of a directory have in common put together once. Hot path.

import { formatTimestamp, quoteJson, type ListingSink, type NodeFields } from "@kv/store";
import { KEYS_NAMESPACE } from "./parse-key-request.ts";

/** Text is encoded when there is this much of it. */
const PIECE_CHARS = 65_536;

/** Prints a listing. */
export class ListingPrinter implements ListingSink {
  /** How the keys in the directories that are open begin: `{"key":"/a/b/`, escaped. */
  readonly #beginnings: string[] = [];
  readonly #rootKey: string;
  readonly #pieces: Uint8Array[] = [];
  #text = '{"action":"get","node":';
  /** What stands before the next node. */
  #separator = "";
  #hasTtl = false;
  #sizeBytes = 0;

  /** `path`: of the directory, in the store. */
  constructor(path: string) {
    this.#rootKey = path.slice(KEYS_NAMESPACE.length);
  }

  /** Whether one of the nodes so far has a TTL, so that the text is true only now. */
  get hasTtl(): boolean {
    return this.#hasTtl;
  }

  file(name: string, fields: NodeFields, ttl: number): void {
    const key = `${this.#separator}${this.#beginnings.at(-1) ?? ""}${escaped(name)}"`;
    const time = fields.expiration === null ? "" : this.#time(fields.expiration, ttl);
    this.#text += `${key},"value":${quoteJson(fields.value)}${time}${indexes(fields)}`;
    this.#separator = ",";
  }

  enter(name: string, fields: NodeFields, ttl: number): void {
    const above = this.#beginnings.at(-1);
    const beginning = above === undefined ? `{"key":"${escaped(this.#rootKey)}` : above + escaped(name);
    // For clients the root has an empty key, and an empty key is not printed.
    const isRoot = above === undefined && this.#rootKey === "";
    this.#text += this.#separator + (isRoot ? '{"dir":true' : `${beginning}","dir":true`);
    if (fields.expiration !== null) this.#text += this.#time(fields.expiration, ttl);
    this.#beginnings.push(`${beginning}/`);
    this.#separator = ',"nodes":[';
  }

  leave(fields: NodeFields): void {
    // Still what stands before a first child: there was none.
    this.#text += (this.#separator === "," ? "]" : "") + indexes(fields);
    this.#beginnings.pop();
    this.#separator = ",";
  }

  /** Encodes what there is, if it is enough; between slices. */
  cut(): void {
    if (this.#text.length >= PIECE_CHARS) this.#encode();
  }

  /** The whole text, and how long it is; at the end. */
  finish(): { readonly pieces: readonly Uint8Array[]; readonly sizeBytes: number } {
    this.#text += "}\n";
    this.#encode();
    return { pieces: this.#pieces, sizeBytes: this.#sizeBytes };
  }

  #time(expiration: bigint, ttl: number): string {
    this.#hasTtl = true;
    return `,"expiration":"${formatTimestamp(expiration)}"${ttl === 0 ? "" : `,"ttl":${ttl}`}`;
  }

  /** In memory of its own: a piece may be kept, and must not hold a slab of the runtime's pool. */
  #encode(): void {
    const piece = Buffer.allocUnsafeSlow(Buffer.byteLength(this.#text));
    piece.write(this.#text);
    this.#text = "";
    this.#pieces.push(piece);
    this.#sizeBytes += piece.length;
  }
}

/** The end of a node. Indexes of 0, which the roots of new stores have, are not printed. */
function indexes({ modifiedIndex, createdIndex }: NodeFields): string {
  const modified = modifiedIndex === 0 ? "" : `,"modifiedIndex":${modifiedIndex}`;
  return `${modified}${createdIndex === 0 ? "" : `,"createdIndex":${createdIndex}`}}`;
}

function escaped(text: string): string {
  return quoteJson(text).slice(1, -1);
}
