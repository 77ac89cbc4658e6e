/**
 * What a WebSocket handshake asks for: the dialect and the token, both among its subprotocols or, the token, in a header.
 *
 * @see docs/protocol.md, "Connection"
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { SessionHandshake } from "./port.js";

const JSON_DIALECT = "ringcast.v1.json";
const TOKEN_PREFIX = "bearer.";
const BEARER = /^bearer +(\S+) *$/i;

/**
 * The subprotocol to echo; undefined where none but tokens was offered, which means JSON.
 * @throws RingcastError `bad_request` where only unknown ones were offered
 */
export function chooseSubprotocol(offered: readonly string[]): string | undefined {
  if (offered.includes(JSON_DIALECT)) return JSON_DIALECT;
  const other = offered.find((entry) => !entry.startsWith(TOKEN_PREFIX));
  if (other === undefined) return undefined;
  throw new RingcastError("bad_request", `Offer the subprotocol ${JSON_DIALECT}, not ${shown(other)}.`, {
    field: "Sec-WebSocket-Protocol",
  });
}

/** The token of a handshake, if it brings one; an `Authorization` header that isn't a bearer's is a wrong token, not none. */
export function tokenOf({ authorization, subprotocols }: SessionHandshake): string | undefined {
  if (authorization !== undefined) return BEARER.exec(authorization)?.[1] ?? "";
  return subprotocols.find((entry) => entry.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length);
}
