/**
 * Names of connections: the how-manieth it is, then something that can't be guessed. So whoever pages through them finds the place
 * behind a connection that has closed in the meantime.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { Runtime } from "../runtime/index.js";

const RANDOM_LENGTH = 12;
const ID = /^([0-9a-z]{1,11})-[A-Za-z0-9_-]{12}$/;
const RADIX = 36;

/** @param ordinal how many opened before */
export function connectionId(ordinal: number, runtime: Runtime): string {
  return `${ordinal.toString(RADIX)}-${runtime.randomId(RANDOM_LENGTH)}`;
}

/**
 * How many opened before.
 * @throws RingcastError `bad_request` for what no hub gave as an id
 */
export function ordinalOf(id: string): number {
  const ordinal = ID.exec(id)?.[1];
  if (ordinal !== undefined) return parseInt(ordinal, RADIX);
  throw new RingcastError("bad_request", `Name a connection by its id, not ${shown(id)}.`, { field: "after" });
}
