/**
 * A server for the tests of programs that use the client.
 *
 * @module @kv/client/testing
 */

export { startTestServer } from "./test-server.ts";
export type { TestServer } from "./test-server.ts";
