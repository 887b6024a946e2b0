// All commands, in the order in which help lists them.

import { auth } from "./commands/auth.ts";
import { backup } from "./commands/backup.ts";
import { clusterHealth } from "./commands/cluster-health.ts";
import type { Command, CommandGroup } from "./commands/command.ts";
import { completionOf } from "./commands/completion.ts";
import { diff } from "./commands/diff.ts";
import { execWatch } from "./commands/exec-watch.ts";
import { exportCommand } from "./commands/export.ts";
import { get } from "./commands/get.ts";
import { importCommand } from "./commands/import.ts";
import { ls } from "./commands/ls.ts";
import { member } from "./commands/member.ts";
import { mk } from "./commands/mk.ts";
import { mkdir } from "./commands/mkdir.ts";
import { rm } from "./commands/rm.ts";
import { rmdir } from "./commands/rmdir.ts";
import { role } from "./commands/role.ts";
import { set } from "./commands/set.ts";
import { setdir } from "./commands/setdir.ts";
import { update } from "./commands/update.ts";
import { updatedir } from "./commands/updatedir.ts";
import { user } from "./commands/user.ts";
import { watch } from "./commands/watch.ts";

const WITHOUT_COMPLETION: readonly (Command | CommandGroup)[] = [
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
  exportCommand,
  importCommand,
  diff,
  clusterHealth,
  member,
  user,
  role,
  auth,
  backup,
];

/** Everything kvctl can do. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  ...WITHOUT_COMPLETION,
  completionOf(WITHOUT_COMPLETION),
];
