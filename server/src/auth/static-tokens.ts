/**
 * Static tokens: whoever knows one may do everything. Compared by hash in constant time, so that neither the length of a
 * right beginning nor the place in the list shows in the time an answer takes (RFC 6750 leaves that to us).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { RingcastError } from "@ringcast/protocol";
import { WrongAttempts } from "./attempts.js";
import { ANYBODY, type Authenticator, type Identity, type Verdict } from "./port.js";

/** A token and the name of who holds it. */
export interface StaticToken {
  readonly token: string;
  readonly subject: string;
}

/** Longer ones are refused before they are hashed. */
const MAX_TOKEN_CHARACTERS = 4096;

/** Tokens that may be replaced while the hub runs. */
export interface StaticAuthenticator extends Authenticator {
  /**
   * From now on these count and no others; a token that stays keeps its identity.
   * @throws RingcastError `conflict` where there would be the first token or none any more: {@link Authenticator.required} is fixed
   */
  replace(tokens: readonly StaticToken[]): void;
}

/**
 * Makes the authenticator of a hub with static tokens.
 *
 * @param tokens none: everybody may do everything
 * @param clock  milliseconds that never run back, for the pause after wrong attempts
 */
export function createStaticAuthenticator(tokens: readonly StaticToken[], clock: () => number): StaticAuthenticator {
  let known = tokens.map(know);
  const attempts = new WrongAttempts(clock);
  const required = known.length > 0;

  function verify(token: string, remoteAddress: string): Verdict {
    if (!required) return { accepted: true, identity: ANYBODY };
    const retryAfterMs = attempts.retryAfterMs(remoteAddress);
    if (retryAfterMs > 0) return { accepted: false, retryAfterMs };
    const identity = find(known, token);
    if (identity !== undefined) return { accepted: true, identity };
    attempts.note(remoteAddress);
    return { accepted: false, retryAfterMs: 0 };
  }

  function replace(replacement: readonly StaticToken[]): void {
    if (replacement.length > 0 !== required) {
      throw new RingcastError("conflict", "Restart the hub to begin or to end asking for tokens.", { field: "token" });
    }
    const before = known;
    known = replacement.map(know).map((token) => before.find((old) => isSame(old, token)) ?? token);
  }

  return {
    required,
    verify,
    retryAfterMs: (remoteAddress) => (required ? attempts.retryAfterMs(remoteAddress) : 0),
    isValid: (identity) => !required || known.some((token) => token.identity === identity),
    replace,
  };
}

interface KnownToken {
  readonly hash: Buffer;
  /** One object for each token, by which it is known again. */
  readonly identity: Identity;
}

function know({ token, subject }: StaticToken): KnownToken {
  return { hash: hashOf(token), identity: { subject, expires: null } };
}

function isSame(one: KnownToken, other: KnownToken): boolean {
  return one.identity.subject === other.identity.subject && timingSafeEqual(one.hash, other.hash);
}

/** Looks at every known token, whether one has matched already or not. */
function find(known: readonly KnownToken[], token: string): Identity | undefined {
  if (token.length === 0 || token.length > MAX_TOKEN_CHARACTERS) return undefined;
  const hash = hashOf(token);
  let found: Identity | undefined;
  for (const entry of known) if (timingSafeEqual(entry.hash, hash)) found = entry.identity;
  return found;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}
