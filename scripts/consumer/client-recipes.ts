import { startTestServer } from "@kv/client/testing";

await using server = await startTestServer();
const { client } = server;
const write = async (text: string, fence: { fencingIndex: number; signal: AbortSignal }): Promise<void> => {
  fence.signal.throwIfAborted();
  console.log(text, fence.fencingIndex > 0);
};

// @kv/client 2
