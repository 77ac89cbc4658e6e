/**
 * Text of others made fit for a terminal. What strangers publish could otherwise move the cursor, change the title or make lines
 * look like something else.
 */

/** C0 and C1 control characters, line and paragraph separators, and those that turn the direction of writing. */
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with each character that a terminal could act on written as `\u001b`. */
export function printable(text: string): string {
  return text.replace(DANGEROUS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
