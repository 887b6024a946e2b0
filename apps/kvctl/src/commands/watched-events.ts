// What `watch` and `exec-watch` share: the events of a key until an interrupt. Spec: ctl.md §6.

import type { WatchEvent } from "@kv/client";
import { argumentError } from "../errors.ts";
import type { Flag } from "../flags.ts";
import { keyArgument } from "./arguments.ts";
import type { Call } from "./command.ts";

/** One change. */
export type ChangeEvent = Extract<WatchEvent, { readonly type: "event" }>;

/** Flags of both commands. */
export const WATCH_FLAGS: readonly Flag[] = [
  {
    name: "after-index",
    kind: "integer",
    help: "start with the first change behind this index; 0: from now on",
  },
  { name: "recursive", kind: "boolean", help: "also everything below the key" },
  {
    name: "resume",
    kind: "boolean",
    help: "outlive broken connections, and say which changes the server has forgotten instead of ending there",
  },
];

// Without --resume a broken watch is taken up once by whichever endpoint serves it; then the command fails.
const RECONNECT_LIMIT = 1;

/**
 * The changes of the key that the call names; ends with an interrupt (SIGINT).
 *
 * @throws {EtcdError} 401 if the history is too old, unless the call is to resume: scripts read the key again then
 */
export async function* watchedEvents(call: Call): AsyncGenerator<ChangeEvent, void, void> {
  const key = keyArgument(call);
  const after = call.flags.integer("after-index") ?? 0;
  if (after < 0) throw argumentError("--after-index must not be negative");
  const resumes = call.flags.has("resume");
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  call.printer.neverBlock();
  try {
    await using session = await call.connect();
    const events = session.client.watch(key, {
      recursive: call.flags.has("recursive"),
      from: after > 0 ? after + 1 : undefined,
      reconnectLimit: resumes ? undefined : RECONNECT_LIMIT,
      signal: interrupt.signal,
    });
    for await (const event of events) {
      if (event.type === "event") yield event;
      else if (resumes) {
        call.printer.error(
          `Warning:  the server has forgotten the changes ${event.from} to ${event.through}`,
        );
      } else throw event.error;
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  } finally {
    process.removeListener("SIGINT", onInterrupt);
  }
}

/** Whether the change is one of a directory. Older servers say so only of the node before. */
export function isDirectoryEvent({ node, prevNode }: ChangeEvent): boolean {
  return node.dir || (node.value === null && prevNode?.dir === true);
}
