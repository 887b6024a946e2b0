// `cluster-health`: asks each member through its own client URLs. Spec: ctl.md §7.

import { setTimeout as delay } from "node:timers/promises";
import type { Client, Member } from "@kv/client";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { bareMessage, describeFailure } from "../failure.ts";
import type { Printer } from "../print.ts";
import type { Call, Command } from "./command.ts";

const CHECK_INTERVAL_SECONDS = 10;

export const clusterHealth: Command = {
  name: "cluster-health",
  usage: "",
  summary: "check the health of each member",
  flags: [
    {
      name: "forever",
      kind: "boolean",
      help: `again every ${CHECK_INTERVAL_SECONDS} seconds, until interrupted`,
    },
  ],
  style: "keys",
  sync: false,
  run: async (call) => {
    if (!call.flags.has("forever")) return check(call);
    const interrupt = new AbortController();
    process.once("SIGINT", () => interrupt.abort());
    const { signal } = interrupt;
    for (;;) {
      await check(call);
      call.printer.text(`\nnext check after ${CHECK_INTERVAL_SECONDS} second...\n\n`);
      // Rejects when interrupted, and that is the end.
      await delay(CHECK_INTERVAL_SECONDS * 1_000, null, { signal }).catch(() => null);
      if (signal.aborted) return ExitCode.Success;
    }
  },
};

async function check({ printer, connect }: Call): Promise<ExitCode> {
  await using session = await connect();
  const members = await session.client.members.list({ signal: session.signal }).catch((cause: unknown) => {
    printer.line("cluster may be unhealthy: failed to list members");
    const { text, exitCode } = describeFailure(cause, "keys");
    throw new KvctlError("E_COMMAND", text.replace(/\n$/, ""), { exitCode, cause });
  });
  let healthyCount = 0;
  for (const member of members) {
    if (await isHealthy(session.client, member, printer)) healthyCount++;
  }
  printer.line(healthyCount > 0 ? "cluster is healthy" : "cluster is unhealthy");
  return healthyCount > 0 ? ExitCode.Success : ExitCode.Unhealthy;
}

/** The first client URL that answers decides. */
async function isHealthy(client: Client, { id, clientURLs }: Member, printer: Printer): Promise<boolean> {
  if (clientURLs.length === 0) {
    printer.line(`member ${id} is unreachable: no available published client urls`);
    return false;
  }
  for (const url of clientURLs) {
    try {
      const healthy = await client.health({ endpoint: url });
      const health = healthy ? "healthy" : "unhealthy";
      printer.line(`member ${id} is ${health}: got ${health} result from ${url}`);
      return healthy;
    } catch (error) {
      printer.line(`failed to check the health of member ${id} on ${url}: ${reasonOf(error)}`);
    }
  }
  printer.line(`member ${id} is unreachable: [${clientURLs.join(" ")}] are all unreachable`);
  return false;
}

function reasonOf(error: unknown): string {
  // Throws what is no failure to connect or to answer.
  bareMessage(error);
  return error instanceof Error ? error.message : String(error);
}
