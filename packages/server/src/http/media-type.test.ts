import { expect, test } from "vitest";
import { parseMediaType } from "./media-type.ts";

// Both tables were observed on 3.4.23, as answers to PUT requests.
test.each([
  ["a", "a"],
  ["text/plain", "text/plain"],
  ["TEXT/Plain", "text/plain"],
  ["text/plain; x=1", "text/plain"],
  ["text/plain;x=1;", "text/plain"],
  ["text/plain;", "text/plain"],
  ['text/plain; x="a"', "text/plain"],
  ['text/plain; x="a\\"b"; y=c', "text/plain"],
  ["application/x-www-form-urlencoded ; charset=a", "application/x-www-form-urlencoded"],
])("%s is %s", (header, type) => {
  expect(parseMediaType(header)).toEqual({ type, error: null });
});

test.each([
  ["/x", "mime: no media type"],
  [";x=1", "mime: no media type"],
  ["a b", "mime: expected slash after first token"],
  ["text/", "mime: expected token after slash"],
  ["text/plain extra", "mime: unexpected content after media subtype"],
  ["text/pl@in", "mime: unexpected content after media subtype"],
  ["a/b/c", "mime: unexpected content after media subtype"],
  ["text/plain, text/html", "mime: unexpected content after media subtype"],
  ["text/plain; x", "mime: invalid media parameter"],
  ["text/plain; x=", "mime: invalid media parameter"],
  ['text/plain; x="a', "mime: invalid media parameter"],
  ["text/plain; =1", "mime: invalid media parameter"],
  ["text/plain; x=1 y=2", "mime: invalid media parameter"],
  ["text/plain; x=1,y", "mime: invalid media parameter"],
  ["text/plain; ===", "mime: invalid media parameter"],
  ["text/plain; x=1; X=2", "mime: duplicate parameter name"],
])("%s is refused: %s", (header, error) => {
  expect(parseMediaType(header)).toEqual({ type: null, error });
});
