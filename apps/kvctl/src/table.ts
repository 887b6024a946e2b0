// Columns for people. The library, which knows how wide characters are, is loaded with the first table.

/** Rows below their headings, each line with its newline; as wide as the contents. */
export async function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<string> {
  const { default: Table } = await import("cli-table3");
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

/** Control characters as JSON writes them: they would break the line, or do things to the terminal. */
export function onOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
