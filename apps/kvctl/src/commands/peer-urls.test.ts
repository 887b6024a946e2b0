import { expect, test } from "vitest";
import { checkPeerUrls } from "./peer-urls.ts";

test.each(["http://127.0.0.1:2380", "https://etcd.example:2380", "http://[::1]:2380"])(
  "%s is a peer URL",
  (url) => {
    expect(() => checkPeerUrls([url])).not.toThrow();
  },
);

test.each([
  ["notaurl", "URL scheme must be http or https: notaurl"],
  ["ftp://h:1", "URL scheme must be http or https: ftp://h:1"],
  ["http://127.0.0.1", 'URL address does not have the form "host:port": http://127.0.0.1'],
  ["http://h:1/", "URL must not contain a path: http://h:1/"],
  ["http://h:1/a", "URL must not contain a path: http://h:1/a"],
])("%s is refused", (url, message) => {
  expect(() => checkPeerUrls(["http://h:1", url])).toThrow(
    expect.objectContaining({ code: "E_ARGUMENT", message }),
  );
});
