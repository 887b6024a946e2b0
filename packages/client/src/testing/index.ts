// A server for the tests of programs that use the client
export { startTestServer } from "./test-server.ts";
export type { TestServer } from "./test-server.ts";
