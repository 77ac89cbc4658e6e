/** Reads which records a reader wants, whatever dialect or query string the filter came in. */
import { RingcastError, shown } from "./errors.js";
import { MAX_FILTER_TERMS, MAX_HEADER_NAME_BYTES, MAX_KEY_BYTES } from "./limits.js";
import type { RecordFilter } from "./operations.js";
import { isWellFormed, utf8Length } from "./utf8.js";

/**
 * Reads a filter: equality, OR within a list, AND between lists. Members that it doesn't know are ignored, as in every request.
 *
 * @param value a decoded value, believed to be nothing in particular; undefined: no filter
 * @throws RingcastError `bad_request` with `details.field` = `filter`: no list, an empty one, or more than {@link MAX_FILTER_TERMS} values
 */
export function readFilter(value: unknown): RecordFilter | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value))
    throw refused(`Give "filter" as an object with "keys", "headers" or both, not ${shown(value)}.`);
  const { keys, headers } = value;
  const budget = { left: MAX_FILTER_TERMS };
  const wantedKeys = keys === undefined ? undefined : readKeys(keys, budget);
  const wantedHeaders = headers === undefined ? undefined : readHeaders(headers, budget);
  if (wantedKeys === undefined && wantedHeaders === undefined) {
    throw refused('Give "filter" at least one list, in "keys" or "headers".');
  }
  return {
    ...(wantedKeys === undefined ? {} : { keys: wantedKeys }),
    ...(wantedHeaders === undefined ? {} : { headers: wantedHeaders }),
  };
}

function readKeys(value: unknown, budget: { left: number }): readonly string[] {
  const keys = readList(value, "keys", budget);
  const tooLong = keys.find((key) => utf8Length(key) > MAX_KEY_BYTES);
  if (tooLong === undefined) return keys;
  throw refused(`Filter by keys of at most ${MAX_KEY_BYTES} bytes, not ${shown(tooLong)}.`);
}

function readHeaders(value: unknown, budget: { left: number }): Readonly<Record<string, readonly string[]>> {
  if (!isObject(value)) throw refused(`Give "headers" of the filter as an object of lists, not ${shown(value)}.`);
  const entries = Object.entries(value);
  if (entries.length === 0) throw refused('Name at least one header in "headers" of the filter, or leave it out.');
  // fromEntries makes a name like __proto__ a member like any other.
  return Object.fromEntries(
    entries.map(([name, list]) => {
      if (name === "" || !isWellFormed(name) || utf8Length(name) > MAX_HEADER_NAME_BYTES) {
        throw refused(`Filter by header names of 1 to ${MAX_HEADER_NAME_BYTES} bytes, not ${shown(name)}.`);
      }
      return [name, readList(list, name, budget)];
    }),
  );
}

function readList(value: unknown, name: string, budget: { left: number }): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw refused(`Give the filter at least one value for ${shown(name)}, in a list, not ${shown(value)}.`);
  }
  budget.left -= value.length;
  if (budget.left < 0) throw refused(`Give a filter at most ${MAX_FILTER_TERMS} values in all.`);
  const list: readonly unknown[] = value;
  return list.map((wanted) => {
    if (typeof wanted === "string" && isWellFormed(wanted)) return wanted;
    throw refused(`Filter ${shown(name)} by strings of whole characters, not ${shown(wanted)}.`);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "filter" });
}
