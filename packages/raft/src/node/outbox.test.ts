import { expect, test } from "vitest";
import { parseNodeId } from "../codec/index.ts";
import { Message, MessageType } from "../message.ts";
import { coalesce } from "./outbox.ts";

const self = parseNodeId("1");

function message(type: MessageType, to: string, fields: Partial<Message> = {}): Message {
  return Object.assign(new Message(type, parseNodeId(to), self, 5), fields);
}
const accept = (index: number, to = "2", term = 5): Message =>
  message(MessageType.AppResp, to, { index, term });
const reject = (index: number): Message => message(MessageType.AppResp, "2", { index, reject: true });

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
  expect(coalesce(messages)).toEqual(kept.map((i) => messages[i]));
});
