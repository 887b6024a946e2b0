// Completion for bash, from version 3.2 on: before 4.0, file names are offered also where nothing else fits.

import { candidatesFunction } from "./candidates.ts";
import type { Place } from "./places.ts";

/** The script, for bash to source. */
export function bashScript(places: readonly Place[]): string {
  return `# Completion of kvctl for bash: source <(kvctl completion bash)
${candidatesFunction(places)}

_kvctl() {
  local IFS=$' \\t\\n' line=\${COMP_LINE:0:COMP_POINT} rest word words=() n=0 i prefix="" candidates
  COMPREPLY=()
  case $3 in *[\\<\\>]) return ;; esac # a redirection
  # COMP_WORDS is split at : and = too. What no blank parts is one word again.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=\${line#"\${line%%[![:blank:]]*}"}
    if ((i < COMP_CWORD)); then word=\${COMP_WORDS[i]}; else word=$rest; fi
    if ((n > 0)) && [ "$rest" = "$line" ]; then words[n-1]+=$word; else words[n++]=$word; fi
    line=\${rest#"$word"}
  done
  candidates=$(_kvctl_candidates "\${words[@]:1}") || return # file names are the default
  compopt +o default 2>/dev/null
  word=\${words[n-1]}
  case $word in
  -*=*)
    case $COMP_WORDBREAKS in *=*) ;; *) prefix=\${word%%=*}= ;; esac
    word=\${word#*=}
    ;;
  esac
  COMPREPLY=($(compgen -P "$prefix" -W "$candidates" -- "$word"))
}
complete -o default -F _kvctl kvctl
`;
}
