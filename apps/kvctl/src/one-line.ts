// Text that stays on its line.

/** Control characters as JSON writes them: they would break the line, or do things to the terminal. */
export function onOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
