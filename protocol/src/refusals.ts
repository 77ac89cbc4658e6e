/**
 * What the wire contract knows and this version of the hub does not do: the one table that everything refused for that reason is refused by.
 */
import { RingcastError, shown } from "./errors.js";

/** Fields of requests, by operation: `bad_request` with `details.field` wherever they are present. */
const REFUSED_FIELDS: ReadonlyMap<string, readonly string[]> = /*#__PURE__*/ new Map([
  ["subscribe", ["group", "queue"]],
]);

/** Levels of durability of a publish: `bad_request`. */
const REFUSED_DURABILITIES: readonly string[] = ["replicated"];

/**
 * Refuses a request that names a field of a later version.
 *
 * @param has whether the request has a field of that name
 * @throws RingcastError `bad_request`
 */
export function refuseLaterFields(op: string, has: (field: string) => boolean): void {
  for (const field of REFUSED_FIELDS.get(op) ?? []) {
    if (has(field)) throw refused(field, `Leave "${field}" out: this version of the hub does not offer it for ${op}.`);
  }
}

/**
 * Refuses a level of durability that only several instances can reach.
 * @throws RingcastError `bad_request`
 */
export function refuseLaterDurability(durability: string): void {
  if (!REFUSED_DURABILITIES.includes(durability)) return;
  throw refused("durability", `Ask for durability "stored" or "synced": this hub can't reach ${shown(durability)}.`);
}

function refused(field: string, message: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}
