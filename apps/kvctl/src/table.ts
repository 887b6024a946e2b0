// Columns for people. To be imported with the first table: the library, which knows how wide characters are, is large.

import Table from "cli-table3";
import { onOneLine } from "./one-line.ts";

/** Rows below their headings, each line with its newline; as wide as the contents. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...headings], chars: NO_LINES, style: PLAIN });
  table.push(...rows.map((row) => row.map(onOneLine)));
  const lines = table.toString().split("\n");
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

// Two blanks between columns and nothing else: what is printed can be cut and sorted.
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};
const PLAIN = { head: [], border: [], "padding-left": 0, "padding-right": 0 };
