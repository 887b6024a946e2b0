// Two members: the example is a; b is here and says what it gets.
import type { NodeId } from "@kv/raft";
import { nodeEngine } from "@kv/server";
import type { HttpHandler } from "@kv/rafthttp/http";

const silent = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, child: () => silent };
const logger: typeof silent & { child(): typeof silent } = silent;
const stats = { sentAppend() {}, receivedAppend() {}, followerSucceeded() {}, followerFailed() {} };
const received = Promise.withResolvers<Message>();
const receiver = {
  process: (message: Message) => received.resolve(message),
  isRemoved: (): boolean => false,
  reportUnreachable() {},
  reportSnapshot() {},
  peerDialect() {},
  removedByCluster() {},
};
const clusterId = parseNodeId("c");
async function open(): Promise<{ url: string; mount(handler: HttpHandler): void; close(): Promise<void> }> {
  const mounted = Promise.withResolvers<HttpHandler>();
  const handler: HttpHandler = async (request) => (await mounted.promise)(request);
  const listener = await nodeEngine(handler, { host: "127.0.0.1", port: 0, tls: null, logger });
  return { url: listener.url, mount: mounted.resolve, close: () => listener.close() };
}
const ports = { own: await open(), other: await open() };
const [ownUrl, otherUrl] = [ports.own.url, ports.other.url];
const listen = (mounted: HttpTransport): void => ports.own.mount(mounted.handler);

const other = new HttpTransport(
  { id: parseNodeId("b"), clusterId, peerUrls: [otherUrl], version: "2.3.8", minClusterVersion: "2.2.0" },
  { receiver, stats, clock: systemClock, logger },
);
ports.other.mount(other.handler);
other.addPeer(parseNodeId("a"), [ownUrl]);

// @kv/rafthttp 1

const message: { readonly from: NodeId; readonly term: number } = await received.promise;
console.log(`b has a message of term ${message.term} from ${message.from}`);
await transport.close();
await other.close();
await ports.own.close();
await ports.other.close();
