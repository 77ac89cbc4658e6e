/**
 * What a WebSocket handshake asks for: the dialect and the token, both among its subprotocols or, the token, in a header.
 *
 * @see docs/protocol.md, "Connection"
 */
import { RingcastError, shown } from "@ringcast/protocol";
import { DIALECTS, JSON_DIALECT, type Dialect } from "./dialects.js";
import type { SessionHandshake } from "./port.js";

const TOKEN_PREFIX = "bearer.";
const BEARER = /^bearer +(\S+) *$/i;

export interface ChosenDialect {
  readonly dialect: Dialect;
  /** To be echoed; undefined where none but tokens was offered. */
  readonly subprotocol: string | undefined;
}

/**
 * The first dialect offered that the hub knows: the order is the client's. JSON where none but tokens was offered.
 * @throws RingcastError `bad_request` where only unknown ones were offered
 */
export function chooseDialect(offered: readonly string[]): ChosenDialect {
  for (const entry of offered) {
    const dialect = DIALECTS.find(({ subprotocol }) => subprotocol === entry);
    if (dialect !== undefined) return { dialect, subprotocol: entry };
  }
  const other = offered.find((entry) => !entry.startsWith(TOKEN_PREFIX));
  if (other === undefined) return { dialect: JSON_DIALECT, subprotocol: undefined };
  const known = DIALECTS.map(({ subprotocol }) => subprotocol).join(" or ");
  throw new RingcastError("bad_request", `Offer the subprotocol ${known}, not ${shown(other)}.`, {
    field: "Sec-WebSocket-Protocol",
  });
}

/** The token of a handshake, if it brings one; an `Authorization` header that isn't a bearer's is a wrong token, not none. */
export function tokenOf({ authorization, subprotocols }: SessionHandshake): string | undefined {
  if (authorization !== undefined) return BEARER.exec(authorization)?.[1] ?? "";
  return subprotocols.find((entry) => entry.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length);
}
