// Completion scripts for shells, made from the tables of commands and flags. Keys are not completed, since
// that would ask a server at each key press.

import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { placesOf } from "./completion/places.ts";
import type { Completable, Place, Shell } from "./completion/places.ts";
import { zshScript } from "./completion/zsh.ts";

/** The scripts by shell; each is complete, with a hint on how to load it. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, (completable: Completable) => string>> = {
  bash: (completable) => scriptOf(bashScript, completable),
  zsh: (completable) => scriptOf(zshScript, completable),
  fish: (completable) => scriptOf(fishScript, completable),
};

function scriptOf(script: (places: readonly Place[]) => string, completable: Completable): string {
  return script(placesOf(completable));
}
