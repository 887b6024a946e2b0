// The parameters of a key request, from its form body and its query (client-api.md §4.2).
// One pass over the text, no regular expression, no map. Hot path.

import { ErrorCode, EtcdError } from "@kv/store";
import { decodeFormText, describeBadEscape, findBadEscape } from "./percent.ts";

/** Parameters of one request, in query and body together; clients send at most a dozen, etcd takes any number. */
const PARAMETERS_MAX = 10_000;

/** Every parameter that means something, decoded; null: not given. Body values win over query values, then the first wins. */
export class KeyForm {
  value: string | null = null;
  ttl: string | null = null;
  dir: string | null = null;
  prevExist: string | null = null;
  prevValue: string | null = null;
  prevIndex: string | null = null;
  refresh: string | null = null;
  recursive: string | null = null;
  sorted: string | null = null;
  quorum: string | null = null;
  wait: string | null = null;
  waitIndex: string | null = null;
  stream: string | null = null;
  noValueOnSuccess: string | null = null;
  #count = 0;

  /**
   * Takes over what is not there yet from `a=b&c=d`, one character per byte.
   *
   * @throws {EtcdError} 210 for a bad escape or a raw semicolon, anywhere in the text, and for too many parameters.
   */
  read(raw: string): void {
    for (let start = 0; start < raw.length;) {
      const ampersand = raw.indexOf("&", start);
      const end = ampersand < 0 ? raw.length : ampersand;
      if (end > start) this.#readPair(raw.slice(start, end));
      start = end + 1;
    }
  }

  #readPair(pair: string): void {
    if (++this.#count > PARAMETERS_MAX) throw invalidForm(`more than ${PARAMETERS_MAX} parameters`);
    if (pair.includes(";")) throw invalidForm("invalid semicolon separator in query");
    const bad = findBadEscape(pair);
    // An escape never reaches across the equals sign, so the pair as a whole may be looked at.
    if (bad >= 0) throw invalidForm(describeBadEscape(cutAtEquals(pair, bad), bad));

    const equals = pair.indexOf("=");
    const name = decodeFormText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : pair.slice(equals + 1);
    this.#offer(name, value);
  }

  #offer(name: string, raw: string): void {
    switch (name) {
      case "value":
        this.value ??= decodeFormText(raw);
        return;
      case "ttl":
        this.ttl ??= decodeFormText(raw);
        return;
      case "dir":
        this.dir ??= decodeFormText(raw);
        return;
      case "prevExist":
        this.prevExist ??= decodeFormText(raw);
        return;
      case "prevValue":
        this.prevValue ??= decodeFormText(raw);
        return;
      case "prevIndex":
        this.prevIndex ??= decodeFormText(raw);
        return;
      case "refresh":
        this.refresh ??= decodeFormText(raw);
        return;
      case "recursive":
        this.recursive ??= decodeFormText(raw);
        return;
      case "sorted":
        this.sorted ??= decodeFormText(raw);
        return;
      case "quorum":
        this.quorum ??= decodeFormText(raw);
        return;
      case "wait":
        this.wait ??= decodeFormText(raw);
        return;
      case "waitIndex":
        this.waitIndex ??= decodeFormText(raw);
        return;
      case "stream":
        this.stream ??= decodeFormText(raw);
        return;
      case "noValueOnSuccess":
        this.noValueOnSuccess ??= decodeFormText(raw);
        return;
      // Unknown names are ignored; their escapes have been checked all the same.
    }
  }
}

/** The error for a form that cannot be read. */
export function invalidForm(cause: string): EtcdError {
  return new EtcdError(ErrorCode.InvalidForm, cause, 0);
}

/** Name and value are decoded apart: an escape cut short by the equals sign is shown without it. */
function cutAtEquals(pair: string, badEscape: number): string {
  const equals = pair.indexOf("=");
  return equals > badEscape ? pair.slice(0, equals) : pair;
}
