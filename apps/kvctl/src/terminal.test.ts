import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { hasColors, isScreen, isTerminal } from "./terminal.ts";

test.each([
  [{ TERM: "xterm" }, true, true],
  [{ TERM: "xterm", NO_COLOR: "" }, true, true],
  [{ TERM: "xterm", NO_COLOR: "1" }, false, true],
  [{ TERM: "xterm", NO_COLOR: "1", FORCE_COLOR: "1" }, false, true],
  [{ TERM: "dumb", FORCE_COLOR: "1" }, false, false],
  [{}, false, false],
])("%j: colours %j, screen %j", (environment, colors, screen) => {
  expect(hasColors(environment)).toBe(colors);
  expect(isScreen(environment)).toBe(screen);
});

test.each(["/dev/null", "/dev/zero", import.meta.filename])("%s is no terminal", (path) => {
  const fd = openSync(path, "r");
  expect(isTerminal(fd)).toBe(false);
  closeSync(fd);
});

test("what is not open is no terminal", () => {
  const fd = openSync("/dev/null", "r");
  closeSync(fd);
  expect(isTerminal(fd)).toBe(false);
});
