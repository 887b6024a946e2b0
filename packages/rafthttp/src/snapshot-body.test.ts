import { Message, MessageType } from "@kv/raft";
import { encodeMessage, messageSize, parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { messageSlices } from "./snapshot-body.ts";

test.each([0, 1, 1000, 256 * 1024 - 1, 256 * 1024, 1_000_000])(
  "a snapshot of %i bytes is sent as the bytes of the whole message",
  (sizeBytes) => {
    const message = snapshot(new Uint8Array(sizeBytes).map((_, i) => i));

    const sent = Buffer.concat([...messageSlices(message)]);

    expect(sent.equals(encodeMessage(message))).toBe(true);
    expect(sent.length).toBe(messageSize(message));
  },
);

test("a large state is not copied, and leaves in slices", () => {
  const data = new Uint8Array(1_000_000);

  const slices = [...messageSlices(snapshot(data))];

  const ofData = slices.filter((slice) => slice.buffer === data.buffer);
  expect(ofData.reduce((sum, slice) => sum + slice.length, 0)).toBe(data.length);
  expect(Math.max(...slices.map((slice) => slice.length))).toBe(256 * 1024);
});

function snapshot(data: Uint8Array): Message {
  const message = new Message(MessageType.Snap, parseNodeId("2"), parseNodeId("1"), 3);
  const confState = {
    voters: [parseNodeId("1"), parseNodeId("2")],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  message.snapshot = { meta: { index: 9, term: 3, confState }, data };
  return message;
}
