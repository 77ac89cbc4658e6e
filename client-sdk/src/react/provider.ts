/** The hub that components below share, for those that don't want to import it. */
import { createContext, createElement, useContext, type ReactElement, type ReactNode } from "react";
import { RingcastError } from "@ringcast/protocol";
import type { Hub } from "../client.js";
import type { AnyTopics } from "../topics.js";

const HubContext = createContext<Hub<unknown> | undefined>(undefined);

/** A hub of whichever topics: what its types say of topics is told to `useHub`. */
export type ProvidedHub = Pick<Hub<AnyTopics>, "state" | "close">;

/** Hands a hub to the components below. It is made outside of React, by `connect`, and lives as long as the page. */
export function RingcastProvider({ hub, children }: { hub: ProvidedHub; children?: ReactNode }): ReactElement {
  return createElement(HubContext.Provider, { value: hub as Hub<unknown> }, children);
}

/**
 * The hub that a `RingcastProvider` above hands out.
 *
 * @typeParam Topics as in `connect`
 * @throws RingcastError `bad_request` where there is no provider above
 */
export function useHub<Topics extends object = AnyTopics>(): Hub<Topics> {
  const hub = useContext(HubContext);
  if (hub !== undefined) return hub as unknown as Hub<Topics>;
  throw new RingcastError("bad_request", "Put a <RingcastProvider hub={…}> above components that call useHub().");
}
