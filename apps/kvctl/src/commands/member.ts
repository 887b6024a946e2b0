// `member list|add|remove|update`. Spec: ctl.md §7.

import type { Member } from "@kv/client";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { bareMessage } from "../failure.ts";
import type { Command, CommandGroup } from "./command.ts";
import { checkPeerUrls } from "./peer-urls.ts";

const list: Command = {
  name: "list",
  usage: "",
  summary: "print all members",
  flags: [],
  style: "members",
  sync: true,
  hasTable: true,
  run: async ({ words, globals, printer, connect }) => {
    if (words.length > 0) throw wrongArguments("No arguments accepted");
    await using session = await connect();
    const { client, signal } = session;
    const members = await client.members.list({ signal });
    const leader = await client.members.leader({ signal }).catch((cause: unknown) => {
      throw new KvctlError("E_COMMAND", `Failed to get leader:  ${bareMessage(cause)}`, { cause });
    });
    if (globals.table) {
      const { formatTable } = await import("../table.ts");
      const rows = members.map((member) => memberRow(member, leader));
      printer.text(formatTable(["ID", "NAME", "PEER URLS", "CLIENT URLS", "LEADER"], rows));
      return ExitCode.Success;
    }
    for (const { id, name, peerURLs, clientURLs } of members) {
      const peers = peerURLs.join(",");
      if (name === "") printer.line(`${id}[unstarted]: peerURLs=${peers}`);
      else {
        const isLeader = id === leader.id;
        printer.line(
          `${id}: name=${name} peerURLs=${peers} clientURLs=${clientURLs.join(",")} isLeader=${isLeader}`,
        );
      }
    }
    return ExitCode.Success;
  },
};

/** A member that has not started has no name and no client URLs. */
function memberRow({ id, name, peerURLs, clientURLs }: Member, leader: Member): readonly string[] {
  return [id, name, peerURLs.join(","), clientURLs.join(","), id === leader.id ? "yes" : "no"];
}

const add: Command = {
  name: "add",
  usage: "NAME PEERURL",
  summary: "add a member, and print the settings to start it with",
  flags: [],
  style: "members",
  sync: true,
  run: async ({ words, printer, connect }) => {
    const [name, peerUrl] = words;
    if (name === undefined || peerUrl === undefined || words.length > 2) {
      throw wrongArguments("Provide a name and a single member peerURL");
    }
    checkPeerUrls([peerUrl]);
    await using session = await connect();
    const { client, signal } = session;
    const added = await client.members.add([peerUrl], { signal });
    printer.line(`Added member named ${name} with ID ${added.id} to cluster`);
    const members = await client.members.list({ signal });
    const cluster = members.flatMap((member) =>
      member.peerURLs.map((url) => `${member.id === added.id ? name : member.name}=${url}`),
    );
    printer.line("");
    printer.line(`ETCD_NAME=${JSON.stringify(name)}`);
    printer.line(`ETCD_INITIAL_CLUSTER=${JSON.stringify(cluster.join(","))}`);
    printer.line(`ETCD_INITIAL_CLUSTER_STATE="existing"`);
    return ExitCode.Success;
  },
};

const remove: Command = {
  name: "remove",
  usage: "ID",
  summary: "remove a member for good; asks on a terminal",
  flags: [{ name: "yes", kind: "boolean", help: "do not ask" }],
  style: "members",
  sync: true,
  run: async ({ words, flags, printer, confirm, connect }) => {
    const [id] = words;
    if (id === undefined || words.length > 1) throw wrongArguments("Provide a single member ID");
    await using session = await connect();
    const { client, signal } = session;
    const members = await client.members.list({ signal });
    const named = members.find((member) => member.id === id);
    if (named === undefined) {
      const namesakes = members.filter((member) => member.name === id);
      const hints = namesakes.map(
        (member) =>
          `Found a member named ${id}; if this is correct, please use its ID, eg:\n` +
          `\tkvctl member remove ${member.id}\n` +
          "For more details, see kvctl member remove --help\n\n",
      );
      throw wrongArguments(`${hints.join("")}Couldn't find a member in the cluster with an ID of ${id}.`);
    }
    const ask = flags.has("yes") ? null : confirm();
    if (
      ask !== null &&
      !(await ask(`Remove member ${id} (${named.name === "" ? "not started" : named.name}) for good? [y/N] `))
    ) {
      throw wrongArguments("nothing was removed");
    }
    await client.members.remove(id, { signal: ask === null ? signal : undefined });
    printer.line(`Removed member ${id} from cluster`);
    return ExitCode.Success;
  },
};

const update: Command = {
  name: "update",
  usage: "ID PEERURLS",
  summary: "replace the peer URLs of a member, separated by commas",
  flags: [],
  style: "members",
  sync: true,
  run: async ({ words, printer, connect }) => {
    const [id, peerUrls] = words;
    if (id === undefined || peerUrls === undefined || words.length > 2) {
      throw wrongArguments(
        "Provide an ID and a list of comma separated peerURL (0xabcd http://example.com,http://example1.com)",
      );
    }
    const urls = peerUrls.split(",");
    checkPeerUrls(urls);
    await using session = await connect();
    await session.client.members.update(id, urls, { signal: session.signal });
    printer.line(`Updated member with ID ${id} in cluster`);
    return ExitCode.Success;
  },
};

export const member: CommandGroup = {
  name: "member",
  summary: "list and change the members of the cluster",
  commands: [list, add, remove, update],
};

function wrongArguments(message: string): KvctlError {
  return new KvctlError("E_ARGUMENT", message);
}
