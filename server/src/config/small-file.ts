/** Reads files of the configuration: small, regular, and never waited for. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";

/** Far more than any of them needs; `/dev/zero` has no end. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * The text of a file. Looks at what was opened, not at its name, so that nobody can exchange it in between; a FIFO is not waited for.
 *
 * @param judge is handed the facts of the file, and throws what speaks against it
 * @returns undefined for what is no regular file, or too large. A pipe is none: what was read from it can't be read again
 * @throws Error with the system's code
 */
export function readSmallFile(path: string, judge: (facts: Stats) => void = () => undefined): string | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(file);
    if (!facts.isFile() || facts.size > MAX_FILE_BYTES) return undefined;
    judge(facts);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
