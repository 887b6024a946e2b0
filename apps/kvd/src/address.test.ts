import { expect, test } from "vitest";
import { addressOf } from "./address.ts";

test.each([
  ["http://127.0.0.1:2379", { host: "127.0.0.1", port: 2379 }],
  ["HTTP://localhost:0", { host: "localhost", port: 0 }],
  ["http://:2379", { host: "", port: 2379 }],
  ["http://[::1]:2380", { host: "::1", port: 2380 }],
  ["https://user:secret@host.example:443?x=1", { host: "host.example", port: 443 }],
])("%s", (url, address) => {
  expect(addressOf(url)).toStrictEqual(address);
});
