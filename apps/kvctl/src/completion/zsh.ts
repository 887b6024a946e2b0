// Completion for zsh. It starts zsh's completion where that has not been done, and may also lie in a directory of
// fpath, as `_kvctl`: then the file as a whole is the function, called when kvctl is first completed.

import { candidatesFunction } from "./candidates.ts";
import type { Place } from "./places.ts";

/** The script, for zsh to source or to find in its fpath. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef kvctl
# Completion of kvctl for zsh: source <(kvctl completion zsh)
${candidatesFunction(places)}

_kvctl() {
  local candidates
  candidates=$(_kvctl_candidates "\${(@)words[2,CURRENT-1]}" "$PREFIX")
  local isFile=$?
  compset -P '-*=' # only what follows is completed
  if ((isFile)); then _files; else compadd -- \${=candidates}; fi
}

if [[ \${funcstack[1]-} = _kvctl ]]; then
  _kvctl "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _kvctl kvctl
fi
`;
}
