// All commands, in the order in which help lists them.

import { clusterHealth } from "./commands/cluster-health.ts";
import type { Command, CommandGroup } from "./commands/command.ts";
import { execWatch } from "./commands/exec-watch.ts";
import { get } from "./commands/get.ts";
import { ls } from "./commands/ls.ts";
import { member } from "./commands/member.ts";
import { mk } from "./commands/mk.ts";
import { mkdir } from "./commands/mkdir.ts";
import { rm } from "./commands/rm.ts";
import { rmdir } from "./commands/rmdir.ts";
import { set } from "./commands/set.ts";
import { setdir } from "./commands/setdir.ts";
import { update } from "./commands/update.ts";
import { updatedir } from "./commands/updatedir.ts";
import { watch } from "./commands/watch.ts";

/** Everything kvctl can do. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  get,
  ls,
  set,
  mk,
  update,
  rm,
  mkdir,
  setdir,
  updatedir,
  rmdir,
  watch,
  execWatch,
  clusterHealth,
  member,
];
