// Streams of requests as a client, a careless one or an attacker might send them, made from a seed: for
// comparing engines. Mostly valid, with mutations of what a parser has to look at.

/** Numbers that repeat with their seed; below 1. */
export type Random = () => number;

/** A generator of 32 bits (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const METHODS = ["GET", "GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"];
const TARGETS = ["/a", "/a?b=c&d", "/%41%2f", "/", "/a//b", "http://h/x?y", "/a;b"];
const ODD_TARGETS = ["*", "a", "/%zz", "/\xe4", "ftp://h/", "http://h"];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"];
const FIELDS = [
  "X-A: b",
  "x-a:b",
  "X-A: \t b \t",
  "X-Empty:",
  "Accept: */*",
  "Content-Type: application/x-www-form-urlencoded",
  "Connection: close",
  "Connection: keep-alive",
  "X-Latin: \xe4\xff",
  "Cookie: a=b; c=d",
];
const ODD_FIELDS = [
  "Content-Length: 3",
  "Content-Length: +3",
  "Content-Length: 3, 3",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip",
  "Transfer-Encoding : chunked",
  " folded",
  "X\0: y",
  "X: \x7f",
  "X: a\rb",
  "X: a\nb",
  "Host: other",
  "no colon",
];
const ODD_BYTES = ["\0", "\t", "\n", "\r", " ", ":", ";", ",", "/", "\x7f", "\x80", "\xff", "0", "g"];

/** One to three requests, with a mutation in every third stream. */
export function requestStream(random: Random): string {
  let stream = "";
  const count = 1 + below(random, 3);
  for (let at = 0; at < count; at++) stream += request(random);
  return below(random, 3) === 0 ? mutated(random, stream) : stream;
}

/** Cuts a stream into one to four portions. */
export function cutAnywhere(random: Random, stream: string): string[] {
  const cuts = Array.from({ length: below(random, 4) }, () => below(random, stream.length + 1));
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
  return bounds.slice(1).map((end, at) => stream.slice(bounds[at], end));
}

function request(random: Random): string {
  const fields = ["Host: h"];
  for (let left = below(random, 4); left > 0; left--) fields.push(oneOf(random, FIELDS));
  if (below(random, 8) === 0) fields.push(oneOf(random, ODD_FIELDS));
  const data = "abcdefghij0123456789".slice(0, below(random, 20));
  let body = "";
  const kind = below(random, 4);
  if (kind === 0) {
    fields.push(`Content-Length: ${data.length}`);
    body = data;
  } else if (kind === 1) {
    fields.push("Transfer-Encoding: chunked");
    body = chunked(random, data);
  }
  const target = oneOf(random, below(random, 12) === 0 ? ODD_TARGETS : TARGETS);
  const line = `${oneOf(random, METHODS)} ${target} ${oneOf(random, VERSIONS)}`;
  return `${line}\r\n${fields.join("\r\n")}\r\n\r\n${body}`;
}

function chunked(random: Random, data: string): string {
  let body = "";
  for (let at = 0; at < data.length;) {
    const piece = data.slice(at, at + 1 + below(random, 8));
    const extension = below(random, 6) === 0 ? ";a=b" : "";
    body += `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`;
    at += piece.length;
  }
  return `${body}0\r\n${below(random, 8) === 0 ? "T: t\r\n" : ""}\r\n`;
}

function mutated(random: Random, stream: string): string {
  const at = below(random, stream.length);
  switch (below(random, 4)) {
    case 0:
      return stream.slice(0, at) + oneOf(random, ODD_BYTES) + stream.slice(at + 1);
    case 1:
      return stream.slice(0, at) + oneOf(random, ODD_BYTES) + stream.slice(at);
    case 2:
      return stream.slice(0, at) + stream.slice(at + 1);
    default:
      return stream.slice(0, at);
  }
}

function oneOf(random: Random, choices: readonly string[]): string {
  return choices[below(random, choices.length)] ?? "";
}

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}
