/**
 * Where a request carries its token: `Authorization: Bearer …`, or among the WebSocket subprotocols. Never the query string.
 */

const SUBPROTOCOL_PREFIX = "bearer.";

/** The token of an `Authorization` header; undefined where there is none or the scheme is another. */
export function tokenOfHeader(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization?.trim() ?? "")?.[1];
}

/** The token among the subprotocols offered (browsers can't set headers on a WebSocket). It is never echoed. */
export function tokenOfSubprotocols(subprotocols: readonly string[]): string | undefined {
  return subprotocols.find((name) => name.startsWith(SUBPROTOCOL_PREFIX))?.slice(SUBPROTOCOL_PREFIX.length);
}
