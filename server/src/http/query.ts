/** Reads paths and queries strictly: what isn't exactly one value of the right form is refused, never guessed. */
import { RingcastError, shown } from "@ringcast/protocol";

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
  return path
    .slice(1)
    .split("/")
    .map((segment) => decode(segment, "path"));
}

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
   * `earliest`, `latest` or an offset.
   * @throws RingcastError `invalid_offset`
   */
  start(name: string, absent: "earliest" | "latest"): "earliest" | "latest" | { readonly offset: number } {
    const text = this.text(name) ?? absent;
    if (text === "earliest" || text === "latest") return text;
    const offset = parseDigits(text);
    if (offset !== undefined) return { offset };
    throw new RingcastError("invalid_offset", `${name} must be earliest, latest or an offset, not ${shown(text)}.`, {
      field: name,
    });
  }
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
