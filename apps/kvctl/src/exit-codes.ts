// What the exit status says. Spec: ctl.md §2; 0 for wrong usage, a mistake of etcdctl, is not copied.

/** Exit statuses of kvctl. */
export const ExitCode = {
  Success: 0,
  /** Wrong usage, missing arguments, `get` of a directory, any failure of a member command, bad TLS files. */
  Failed: 1,
  /** No endpoint could be reached while synchronising. */
  NoConnection: 2,
  /** The server refused, or stopped answering after the synchronisation. */
  ServerError: 4,
  /** `cluster-health`: not healthy. */
  Unhealthy: 5,
  /** `diff`: the subtrees differ. */
  Different: 6,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
