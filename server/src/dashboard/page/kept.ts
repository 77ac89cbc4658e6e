/**
 * What a tab keeps over a reload: where its picture began and where it was, both as positions in the log. The picture itself is
 * drawn again from the log.
 */
import type { Position } from "@ringcast/protocol";

/** Positions by partition number. */
export type Positions = Readonly<Record<string, Position>>;

export interface Kept {
  /** The first record of the picture. */
  readonly begin: Positions;
  /** The record that the page wants next. */
  readonly next: Positions;
  /** The reader had gone back in time, and the page plays from there at the log's own pace. */
  readonly isBack: boolean;
  readonly isPaused: boolean;
}

const KEPT_KEY = "ringcast.demo.position";
const TOKEN_KEY = "ringcast.token";

/** What the tab kept; undefined in a new tab. */
export function readKept(): Kept | undefined {
  const text = sessionStorage.getItem(KEPT_KEY);
  if (text === null) return undefined;
  const kept = JSON.parse(text) as Kept;
  return Object.keys(kept.next).length > 0 ? kept : undefined;
}

/** Keeps where the page is; undefined forgets it. */
export function keep(kept: Kept | undefined): void {
  if (kept === undefined) sessionStorage.removeItem(KEPT_KEY);
  else sessionStorage.setItem(KEPT_KEY, JSON.stringify(kept));
}

/** The token typed into this tab; empty when there is none. */
export function readToken(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** Remembers the token for this tab alone. */
export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}
