// Somebody else changes the key that the example watches.
import { startTestServer } from "@kv/client/testing";

await using server = await startTestServer();
const url = server.url;
const isWritten = server.client.watch("/config/color", { from: 1 }).next();
const change = isWritten.then(() => server.client.keys.set("/config/color", "blue"));

// @kv/client 1

await change;
