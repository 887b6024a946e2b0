import { expect, test } from "vitest";
import { parseNodeId } from "../codec/index.ts";
import { Message, MessageType } from "../message.ts";
import { coalesce, countEarly } from "./outbox.ts";

const self = parseNodeId("1");

function message(type: MessageType, to: string, fields: Partial<Message> = {}): Message {
  return Object.assign(new Message(type, parseNodeId(to), self, 5), fields);
}
const accept = (index: number, to = "2", term = 5): Message =>
  message(MessageType.AppResp, to, { index, term });
const reject = (index: number): Message => message(MessageType.AppResp, "2", { index, reject: true });

test.each([
  ["App", MessageType.App, 1],
  ["Snap", MessageType.Snap, 1],
  ["Heartbeat", MessageType.Heartbeat, 1],
  ["HeartbeatResp", MessageType.HeartbeatResp, 1],
  ["Vote", MessageType.Vote, 1],
  ["PreVote", MessageType.PreVote, 1],
  ["Prop", MessageType.Prop, 1],
  ["ReadIndex", MessageType.ReadIndex, 1],
  ["TimeoutNow", MessageType.TimeoutNow, 1],
  ["AppResp", MessageType.AppResp, 0],
  ["VoteResp", MessageType.VoteResp, 0],
  ["PreVoteResp", MessageType.PreVoteResp, 0],
])("of a single %s, %#: the early ones are counted", (_, type, earlyCount) => {
  expect(countEarly([message(type, "2")])).toBe(earlyCount);
});

test("nothing overtakes a promise", () => {
  const messages = [message(MessageType.App, "2"), accept(1), message(MessageType.App, "3")];

  expect(countEarly(messages)).toBe(1);
});

test.each([
  ["of acceptances in a row the last stays", [accept(1), accept(2), accept(3)], [2]],
  ["a rejection between them keeps both sides", [accept(1), accept(2), reject(3), accept(4)], [1, 2, 3]],
  ["a lower index does not cover a higher one", [accept(3), accept(2)], [0, 1]],
  ["another leader's acceptance covers nothing", [accept(1), accept(2, "3")], [0, 1]],
  ["another term's acceptance covers nothing", [accept(1), accept(2, "2", 6)], [0, 1]],
  [
    "other messages stay in their places",
    [accept(1), message(MessageType.VoteResp, "2"), accept(2), message(MessageType.Vote, "2")],
    [1, 2, 3],
  ],
])("%s", (_, messages, kept) => {
  expect(coalesce(messages, 0)).toEqual(kept.map((i) => messages[i]));
});

test("what was sent early is not sent again", () => {
  const messages = [message(MessageType.App, "2"), accept(1)];

  expect(coalesce(messages, 1)).toEqual([messages[1]]);
  expect(coalesce(messages, 2)).toEqual([]);
});
