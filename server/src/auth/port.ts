/** What session and http need to know about whoever is at the other end. */

/** Who a token stands for. */
export interface Identity {
  /** Name of the owner: producer sequences are kept apart by it. */
  readonly subject: string;
  /** Milliseconds since 1970; null: never. */
  readonly expires: number | null;
}

/** Outcome of {@link Authenticator.verify}. A refusal names how long this address has to wait before the next attempt. */
export type Verdict =
  | { readonly accepted: true; readonly identity: Identity }
  | { readonly accepted: false; readonly retryAfterMs: number };

/** Judges tokens. Synchronous: static tokens need no network. */
export interface Authenticator {
  /** Whether the hub wants a token at all; otherwise everybody is {@link ANYBODY}. */
  readonly required: boolean;
  /**
   * Judges a token that came from `remoteAddress`. An address that gave too many wrong ones is refused unheard until its time is over
   * (never on loopback, where every user of a reverse proxy has the same address).
   */
  verify(token: string, remoteAddress: string): Verdict;
  /** Milliseconds this address has to wait; 0: it may try. */
  retryAfterMs(remoteAddress: string): number;
  /** Whether a token that gave this identity still counts. */
  isValid(identity: Identity): boolean;
}

/** Who everybody is on a hub without tokens. */
export const ANYBODY: Identity = { subject: "anonymous", expires: null };
