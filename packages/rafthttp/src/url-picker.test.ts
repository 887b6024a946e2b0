import { expect, test } from "vitest";
import { parsePeerUrl, UrlPicker } from "./url-picker.ts";

test("a URL is used until it fails, then the next one in sorted order, round and round", () => {
  const picker = new UrlPicker(["http://c:2380", "http://a:2380", "http://b:2380"]);

  const picked = [];
  for (let i = 0; i < 4; i++) {
    expect(picker.pick()).toBe(picker.pick());
    picked.push(picker.pick());
    picker.reportFailure(picker.pick());
  }

  expect(picked).toEqual(["http://a:2380", "http://b:2380", "http://c:2380", "http://a:2380"]);
});

test("two users that see the same URL fail advance it only once", () => {
  const picker = new UrlPicker(["http://a:1", "http://b:1", "http://c:1"]);
  const used = picker.pick();

  picker.reportFailure(used);
  picker.reportFailure(used);

  expect(picker.pick()).toBe("http://b:1");
});

test("an update starts again at the first URL", () => {
  const picker = new UrlPicker(["http://a:1", "http://b:1"]);
  picker.reportFailure("http://a:1");

  picker.update(["https://z:1", "https://y:1"]);

  expect(picker.pick()).toBe("https://y:1");
});

test.each([
  "",
  "a:1",
  "ftp://a:1",
  "http://a:1/path",
  "http://a:1/?q",
  "http://a:1#f",
  "http://u@a:1",
  "http://:1",
])("%j is not a peer URL", (text) => {
  expect(() => parsePeerUrl(text)).toThrow(expect.objectContaining({ code: "E_URL" }));
});

test("a list that cannot be read changes nothing", () => {
  const picker = new UrlPicker(["http://a:1"]);

  expect(() => picker.update(["http://b:1", "nonsense"])).toThrow(expect.objectContaining({ code: "E_URL" }));
  expect(() => picker.update([])).toThrow(expect.objectContaining({ code: "E_URL" }));

  expect(picker.pick()).toBe("http://a:1");
});
