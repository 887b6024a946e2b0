import { expect, test } from "vitest";
import { formatTable } from "./table.ts";

test("columns are as wide as their widest cell, wide characters counted twice, and nothing trails", () => {
  expect(
    formatTable(
      ["KEY", "VALUE", "TTL"],
      [
        ["/a", "日本", "5"],
        ["/long/er", "1", ""],
      ],
    ),
  ).toBe("KEY       VALUE  TTL\n/a        日本   5\n/long/er  1\n");
});

test("a value cannot break the line or steer the terminal", () => {
  expect(formatTable(["V"], [["a\nb\u001b[2J"]])).toBe("V\na\\u000ab\\u001b[2J\n");
});

test("a table without rows is its headings", () => {
  expect(formatTable(["KEY", "VALUE"], [])).toBe("KEY  VALUE\n");
});
