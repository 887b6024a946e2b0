// `cluster-health`: asks each member through its own client URLs. Spec: ctl.md §7.

import type { Client, Member } from "@kv/client";
import { KvctlError, argumentError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { bareMessage, describeFailure } from "../failure.ts";
import type { Printer } from "../print.ts";
import type { Session } from "../session.ts";
import type { Call, Command } from "./command.ts";

const CHECK_INTERVAL_SECONDS = 10;
const WATCH_INTERVAL_MS = 2_000;

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
    {
      name: "watch",
      kind: "boolean",
      help: "show leader, term, raft index and latency of each member, again and again, until interrupted",
    },
    { name: "interval", kind: "duration", help: `time between two looks of --watch (default: 2s)` },
  ],
  style: "keys",
  sync: false,
  hasTable: true,
  run: async (call) => {
    if (call.flags.has("watch")) return watchMembers(call);
    if (call.globals.table) return printTable(call);
    if (!call.flags.has("forever")) return check(call);
    const signal = interrupt(call);
    for (;;) {
      await check(call);
      call.printer.text(`\nnext check after ${CHECK_INTERVAL_SECONDS} second...\n\n`);
      await pause(CHECK_INTERVAL_SECONDS * 1_000, signal);
      if (signal.aborted) return ExitCode.Success;
    }
  },
};

async function check({ printer, connect }: Call): Promise<ExitCode> {
  await using session = await connect();
  const members = await listMembers(session, printer);
  let healthyCount = 0;
  for (const member of members) {
    if (await isHealthy(session.client, member, printer)) healthyCount++;
  }
  printer.line(healthyCount > 0 ? "cluster is healthy" : "cluster is unhealthy");
  return statusFor(healthyCount);
}

async function printTable({ printer, connect }: Call): Promise<ExitCode> {
  const { askMembers, healthTable } = await import("../member-health.ts");
  await using session = await connect();
  const members = await listMembers(session, printer);
  const { client, signal } = session;
  const healths = await askMembers(client, members, { signal, now: () => performance.now() });
  for (const line of healthTable(healths)) printer.line(line);
  return statusFor(healths.filter(({ state }) => state === "healthy").length);
}

/** Like `top`: the table, drawn over on a terminal and appended elsewhere. Ends with the status of the last look. */
async function watchMembers(call: Call): Promise<ExitCode> {
  const { askMembers, healthTable, summarize } = await import("../member-health.ts");
  const intervalMs = call.flags.durationMs("interval") ?? WATCH_INTERVAL_MS;
  if (intervalMs <= 0) throw argumentError("--interval must be more than 0");
  const signal = interrupt(call);
  let exitCode: ExitCode = ExitCode.Unhealthy;
  // One session for all looks, so that a latency is that of a request and not of a connection.
  await using session = await call.connect();
  for (;;) {
    try {
      const members = await session.client.members.list({ signal });
      const healths = await askMembers(session.client, members, { signal, now: () => performance.now() });
      const [headings = "", ...rows] = healthTable(healths);
      const isGood = (row: number): boolean => healths[row]?.state === "healthy";
      call.printer.screen([
        `${new Date().toISOString()}  ${summarize(healths)}`,
        headings,
        ...rows.map((text, row) => call.printer.painted(text, isGood(row) ? "green" : "red")),
      ]);
      exitCode = statusFor(healths.filter(({ state }) => state === "healthy").length);
    } catch (error) {
      if (signal.aborted) return exitCode;
      // No end of the watch: that the cluster comes back is what somebody waits for.
      const text = `${new Date().toISOString()}  failed to list members: ${bareMessage(error)}`;
      call.printer.screen([call.printer.painted(text, "red")]);
      exitCode = ExitCode.Unhealthy;
    }
    await pause(intervalMs, signal);
    if (signal.aborted) return exitCode;
  }
}

async function listMembers({ client, signal }: Session, printer: Printer): Promise<readonly Member[]> {
  try {
    return await client.members.list({ signal });
  } catch (cause) {
    printer.line("cluster may be unhealthy: failed to list members");
    const { text, exitCode } = describeFailure(cause, "keys");
    throw new KvctlError("E_COMMAND", text.replace(/\n$/, ""), { exitCode, cause });
  }
}

/** etcdctl's rule: one healthy member is enough. */
function statusFor(healthyCount: number): ExitCode {
  return healthyCount > 0 ? ExitCode.Success : ExitCode.Unhealthy;
}

/** Aborted by SIGINT, which then does not end the process. */
function interrupt({ printer }: Call): AbortSignal {
  printer.neverBlock();
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  return controller.signal;
}

/** Resolves after the time, or at once when `signal` is aborted. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: delay } = await import("node:timers/promises");
  await delay(delayMs, null, { signal }).catch(() => null);
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
