// What kvd says about itself on standard output: the usage lines, the list of flags, the version.
// The list is made from the flags' own descriptions. Spec: server-flags.md §1, §2.

import process from "node:process";
import { RELEASE } from "@kv/server";
import { FLAGS, IGNORED_FLAGS } from "./flags.ts";

/** Printed after an error on the command line, and above the list of flags. */
export const USAGE = `usage: kvd [flags]
       start a member of a cluster

       kvd --version
       print the version

       kvd -h | --help
       print all flags
`;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** The whole list of flags, by section. */
export function flagList(): string {
  const sections = new Map<string, string[]>();
  for (const [name, flag] of Object.entries(FLAGS)) {
    const lines = sections.get(flag.section) ?? [];
    sections.set(flag.section, lines);
    const initial = flag.initial === "" ? "''" : flag.initial;
    lines.push(flag.isBoolean ? `  --${name}` : `  --${name} ${initial}`, `      ${flag.description}`);
  }
  const ignored = [...IGNORED_FLAGS].map((name) => `  --${name}`).join("\n");
  const list = [...sections].map(([section, lines]) => `${section} flags:\n${lines.join("\n")}\n`).join("\n");
  return `
${list}
flags of etcd 0.4 that are accepted and ignored:
${ignored}

Every flag can also be given as a variable: --data-dir as ETCD_DATA_DIR. The command line wins.
`;
}

/** The four lines of `--version`, which are also the first of the log. Scripts look for the first: it is the version of etcd that kvd stands in for. */
export function versionLines(): readonly string[] {
  return [
    `etcd Version: ${RELEASE.version}`,
    "Git SHA: not an etcd build (kvd)",
    `Go Version: none (Node.js ${process.version})`,
    `Go OS/Arch: ${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`,
  ];
}
