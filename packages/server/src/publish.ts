// After each start a member tells the cluster its name and client URLs (cluster.md §10).

import { newRequest } from "./request.ts";
import { attributesPath } from "./cluster.ts";
import { attributesJson } from "./member.ts";
import type { NodeId } from "@kv/raft";
import type { Logger } from "./logger.ts";
import type { Proposals } from "./proposals.ts";

export interface PublishDeps {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly proposals: Proposals;
  readonly logger: Logger;
  readonly isStopped: () => boolean;
  /** Without a leader a proposal is lost, so each attempt begins when this resolves. */
  readonly whenLeaderKnown: () => Promise<void>;
  /** Resolves a little later; between an attempt that failed and the next. */
  readonly pause: () => Promise<void>;
}

/** Proposes the attributes until they are applied or the server stops. Resolves then; never rejects. */
export async function publish(deps: PublishDeps): Promise<void> {
  const { id, name, clientUrls, logger } = deps;
  while (!deps.isStopped()) {
    // One attempt after the other: the next must know how this one ended.
    await deps.whenLeaderKnown();
    const request = newRequest("PUT", attributesPath(id));
    request.val = attributesJson(name, clientUrls);
    try {
      await deps.proposals.propose(request);
      // Scripts wait for this text (server-flags.md §5, readiness).
      logger.info(
        `published {Name:${name} ClientURLs:[${clientUrls.join(" ")}]} to cluster ${deps.clusterId}`,
      );
      return;
    } catch (error) {
      if (deps.isStopped()) break;
      logger.error("publish error", { reason: error instanceof Error ? error.message : String(error) });
      await deps.pause();
    }
  }
  logger.info("aborting publish because server is stopped");
}
