/**
 * Static tokens: whoever knows one may do everything. Compared by hash in constant time, so that neither the length of a
 * right beginning nor the place in the list shows in the time an answer takes (RFC 6750 leaves that to us).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { WrongAttempts } from "./attempts.js";
import { ANYBODY, type Authenticator, type Identity, type Verdict } from "./port.js";

/** A token and the name of who holds it. */
export interface StaticToken {
  readonly token: string;
  readonly subject: string;
}

/** Longer ones are refused before they are hashed. */
const MAX_TOKEN_CHARACTERS = 4096;

/**
 * Makes the authenticator of a hub with static tokens.
 *
 * @param tokens none: everybody may do everything
 * @param clock  milliseconds that never run back, for the pause after wrong attempts
 */
export function createStaticAuthenticator(tokens: readonly StaticToken[], clock: () => number): Authenticator {
  const known = tokens.map(({ token, subject }) => ({ hash: hashOf(token), identity: { subject, expires: null } }));
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

  return { required, verify, retryAfterMs: (remoteAddress) => (required ? attempts.retryAfterMs(remoteAddress) : 0) };
}

interface KnownToken {
  readonly hash: Buffer;
  readonly identity: Identity;
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
