/** Reads the tokens from their file: one a line, `token` or `subject:token`, notes begin with #. */
import type { Stats } from "node:fs";
import { ConfigError } from "./config-error.js";
import { readSmallFile } from "./small-file.js";

/** A token and who holds it. */
export interface TokenEntry {
  readonly subject: string;
  readonly token: string;
}

/** Subject of a token that names none. */
export const DEFAULT_SUBJECT = "token";

const READABLE_BY_OTHERS = 0o007;

/**
 * @param path where it is
 * @param name how the user called the setting, for complaints
 * @throws ConfigError unreadable, open to others, without tokens, or with a line that is none; the message holds no token
 */
export function readTokenFile(path: string, name: string): readonly TokenEntry[] {
  const lines = readGuarded(path, name).split(/\r?\n/);
  const entries = lines.flatMap((line, index) => {
    const trimmed = line.trim();
    return trimmed === "" || trimmed.startsWith("#") ? [] : [parseLine(trimmed, `${path}, line ${index + 1},`)];
  });
  if (entries.length === 0) throw new ConfigError(`${name}: ${path} holds no token.`, "tokenFile");
  return entries;
}

/** Whether a text can be a token: visible ASCII, so that it fits into a header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,4096}$/.test(text);
}

function parseLine(line: string, place: string): TokenEntry {
  const match = /^(?:([A-Za-z0-9_-]{1,64}):)?([^:]+)$/.exec(line);
  if (match?.[2] === undefined || !isToken(match[2])) {
    throw new ConfigError(`${place} is no token: write token or subject:token, without blanks.`, "tokenFile");
  }
  return { subject: match[1] ?? DEFAULT_SUBJECT, token: match[2] };
}

function readGuarded(path: string, name: string): string {
  const judge = ({ mode }: Stats): void => {
    if (process.platform === "win32" || (mode & READABLE_BY_OTHERS) === 0) return;
    throw new ConfigError(`${name}: other users can open ${path}; run chmod 600 on it.`, "tokenFile");
  };
  try {
    const text = readSmallFile(path, judge);
    if (text !== undefined) return text;
    throw new ConfigError(`${name}: ${path} is no file of tokens.`, "tokenFile");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ConfigError(`${name}: ${path} can't be read (${code}).`, "tokenFile", { cause: error });
  }
}
