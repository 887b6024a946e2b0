// Messages that need not leave at all. Spec: raft.md §18. Hot path.

import { MessageType, type Message } from "../message.ts";

/**
 * The messages without acceptances that a later one to the same leader covers: same peer, same term,
 * no lower index, and no rejection in between.
 */
export function coalesce(messages: readonly Message[]): readonly Message[] {
  if (messages.length < 2) return messages;
  const kept: Message[] = [];
  let later: Message | null = null;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i]!;
    if (message.type === MessageType.AppResp) {
      if (later !== null && isCovered(message, later)) continue;
      later = message;
    }
    kept.push(message);
  }
  return kept.toReversed();
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
