// Which messages of a Ready may leave before it is durable, and which need not leave at all.
// Spec: raft.md §13.2, §18. Hot path.

import { MessageType, type Message } from "../message.ts";

const NO_MESSAGES: readonly Message[] = Object.freeze([]);

/**
 * How many of `messages`, from the first on, promise nothing and may leave at once. The rest waits,
 * in its order, until the Ready is durable.
 */
export function countEarly(messages: readonly Message[]): number {
  for (let i = 0; i < messages.length; i++) if (isPromise(messages[i]!.type)) return i;
  return messages.length;
}

/**
 * The messages from `start` on, without acceptances that a later one to the same leader covers:
 * same peer, same term, no lower index, and no rejection in between.
 */
export function coalesce(messages: readonly Message[], start: number): readonly Message[] {
  if (start >= messages.length) return NO_MESSAGES;
  if (messages.length - start === 1) return start === 0 ? messages : [messages[start]!];
  const kept: Message[] = [];
  let later: Message | null = null;
  for (let i = messages.length - 1; i >= start; i--) {
    const message = messages[i]!;
    if (message.type === MessageType.AppResp) {
      if (later !== null && isCovered(message, later)) continue;
      later = message;
    }
    kept.push(message);
  }
  return kept.toReversed();
}

// A promise or evidence that must survive a crash.
function isPromise(type: MessageType): boolean {
  return type === MessageType.AppResp || type === MessageType.VoteResp || type === MessageType.PreVoteResp;
}

function isCovered(message: Message, later: Message): boolean {
  return (
    !message.reject &&
    !later.reject &&
    message.to === later.to &&
    message.term === later.term &&
    message.index <= later.index
  );
}
