/** Reads paths and queries strictly: what isn't exactly one value of the right form is refused, never guessed. */
import {
  MAX_TIME_MS,
  readFilter,
  RingcastError,
  shown,
  type RecordFilter,
  type TopicStart,
  type Until,
} from "@ringcast/protocol";

/** Longest path that is looked at; a topic's 255 bytes take 765 characters when all are escaped. */
const MAX_PATH_CHARACTERS = 2048;

/**
 * Segments of a path, each decoded once.
 * @throws RingcastError `bad_request`: no path, too long, or with escapes that are no UTF-8
 */
export function segmentsOf(path: string): string[] {
  if (!path.startsWith("/") || path.length > MAX_PATH_CHARACTERS) {
    throw new RingcastError("bad_request", `The path ${shown(path)} can't be served.`, { field: "path" });
  }
  const segments = path.slice(1).split("/");
  return path.includes("%") ? segments.map((segment) => decode(segment, "path")) : segments;
}

/** What `from` can say in a query. */
export type QueryStart = Exclude<TopicStart, { readonly positions: unknown }>;

/** The query's parameters; those that nobody asks for are ignored. */
export class Query {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** @throws RingcastError `bad_request`: an escape that is no UTF-8 */
  constructor(query: string) {
    const values = new Map<string, string[]>();
    for (const pair of query.split("&")) {
      if (pair === "") continue;
      const at = pair.indexOf("=");
      const name = decode(at < 0 ? pair : pair.slice(0, at), "query");
      const value = at < 0 ? "" : decode(pair.slice(at + 1).replaceAll("+", " "), name);
      const before = values.get(name);
      if (before === undefined) values.set(name, [value]);
      else before.push(value);
    }
    this.#values = values;
  }

  /** @throws RingcastError `bad_request` when it stands there twice */
  text(name: string): string | undefined {
    const values = this.#values.get(name) ?? [];
    if (values.length <= 1) return values[0];
    throw new RingcastError("bad_request", `${name} stands in the query ${values.length} times: give it once.`, {
      field: name,
    });
  }

  /** @throws RingcastError `bad_request` when it isn't an integer from `min` to `max` */
  integer(name: string, { min, max, absent }: { min: number; max: number; absent: number }): number {
    const text = this.text(name);
    if (text === undefined) return absent;
    const value = parseDigits(text);
    if (value !== undefined && value >= min && value <= max) return value;
    throw new RingcastError("bad_request", `${name} must be an integer from ${min} to ${max}, not ${shown(text)}.`, {
      field: name,
    });
  }

  /**
   * `earliest`, `latest`, `time:<ms>`, `last:<n>` or an offset.
   * @throws RingcastError `invalid_offset`
   */
  start(absent: "earliest" | "latest"): QueryStart {
    const text = this.text("from") ?? absent;
    if (text === "earliest" || text === "latest") return text;
    const time = parseTime(text);
    if (time !== undefined) return { time };
    const last = parsePrefixed(text, "last");
    if (last !== undefined && last > 0) return { last };
    return { offset: offsetOf("from", text, "earliest, latest, time:<ms>, last:<n> or an offset") };
  }

  /**
   * `head`, `time:<ms>` or an offset; undefined where it isn't given.
   * @throws RingcastError `invalid_offset`
   */
  until(): Until | undefined {
    const text = this.text("until");
    if (text === undefined || text === "head") return text;
    const time = parseTime(text);
    return time === undefined ? { offset: offsetOf("until", text, "head, time:<ms> or an offset") } : { time };
  }

  /**
   * The filter object as JSON; undefined where it isn't given.
   * @throws RingcastError `bad_request` with `details.field` "filter"
   */
  filter(): RecordFilter | undefined {
    const text = this.text("filter");
    if (text === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      const message = `filter must be JSON such as {"keys":["a"]}, escaped for a query, not ${shown(text)}.`;
      throw new RingcastError("bad_request", message, { field: "filter" }, { cause: error });
    }
    return readFilter(value);
  }
}

/** The number of `name:<n>`. */
function parsePrefixed(text: string, name: string): number | undefined {
  return text.startsWith(`${name}:`) ? parseDigits(text.slice(name.length + 1)) : undefined;
}

/** The instant of `time:<ms>`, where the calendar has it. */
function parseTime(text: string): number | undefined {
  const time = parsePrefixed(text, "time");
  return time === undefined || time > MAX_TIME_MS ? undefined : time;
}

function offsetOf(field: string, text: string, expected: string): number {
  const offset = parseDigits(text);
  if (offset !== undefined) return offset;
  throw new RingcastError("invalid_offset", `${field} must be ${expected}, not ${shown(text)}.`, { field });
}

/** A non-negative integer written as digits alone, up to 2^53 - 1. */
function parseDigits(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function decode(text: string, field: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new RingcastError("bad_request", `${shown(text)} has escapes (%…) that are no UTF-8.`, { field });
  }
}
