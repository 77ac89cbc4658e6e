/**
 * Who may ask: Origin and Host first, then the token. The same judgement for requests and for WebSocket handshakes.
 *
 * @see docs/protocol.md, "Connection"
 */
import { RingcastError } from "@ringcast/protocol";
import { ANYBODY, isListedOrigin, judgeOrigin, tokenOfHeader, type Identity } from "../auth/index.js";
import { NO_HEADERS } from "./answer.js";
import type { Exchange } from "./exchange.js";
import type { AccessOptions } from "./port.js";

type Headers = Readonly<Record<string, string>>;

const PREFLIGHT_AGE_SECONDS = "600";
const ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE";
const ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match, Last-Event-ID, Ringcast-Key";

/** @throws RingcastError `forbidden`: a foreign page, or a name that was made to point here */
export function checkOrigin(access: AccessOptions, origin: string | undefined, host: string | undefined): void {
  const refusal = judgeOrigin(access.policy, origin, host);
  if (refusal !== undefined) throw new RingcastError("forbidden", refusal);
}

/**
 * Who asks.
 * @throws RingcastError `unauthorized`; `rate_limited` for an address that gave too many wrong tokens
 */
export function identify(access: AccessOptions, exchange: Exchange): Identity {
  const { authenticator } = access;
  if (!authenticator.required) return ANYBODY;
  const token = tokenOfHeader(exchange.header("authorization"));
  if (token === undefined) {
    throw new RingcastError("unauthorized", "This hub wants a token: send it as Authorization: Bearer <token>.");
  }
  const verdict = authenticator.verify(token, exchange.remoteAddress);
  if (verdict.accepted) return verdict.identity;
  checkPace(verdict.retryAfterMs);
  throw new RingcastError("unauthorized", "The token is wrong.");
}

/** @throws RingcastError `rate_limited` */
export function checkPace(retryAfterMs: number): void {
  if (retryAfterMs === 0) return;
  throw new RingcastError("rate_limited", "Too many wrong tokens came from this address: wait before the next.", {
    retryAfterMs,
  });
}

/** CORS headers of an answer: none but for pages that are listed. */
export function corsHeaders(access: AccessOptions, origin: string | undefined): Headers {
  if (access.policy.allowedOrigins.length === 0) return NO_HEADERS;
  if (origin === undefined || !isListedOrigin(access.policy, origin)) return { Vary: "Origin" };
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": "Allow, ETag, Retry-After",
    Vary: "Origin",
  };
}

/** Headers of the answer to a preflight, which is always 204. */
export function preflightHeaders(access: AccessOptions, exchange: Exchange): Headers {
  const origin = exchange.header("origin");
  const cors = corsHeaders(access, origin);
  if (cors["Access-Control-Allow-Origin"] === undefined) return cors;
  const wantsPrivate = exchange.header("access-control-request-private-network") === "true";
  return {
    ...cors,
    "Access-Control-Allow-Methods": ALLOWED_METHODS,
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": PREFLIGHT_AGE_SECONDS,
    ...(wantsPrivate ? { "Access-Control-Allow-Private-Network": "true" } : {}),
  };
}
