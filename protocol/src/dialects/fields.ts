/** The names that fields of requests have, in every dialect, and where their values lie in a frame. */

/** Every field that some request has. The tables of the dialects are made from it. */
export const FIELDS = [
  "op",
  "id",
  "topic",
  "data",
  "messages",
  "key",
  "headers",
  "partition",
  "producer",
  "durability",
  "pattern",
  "from",
  "window",
  "subscription",
  "offset",
  "limit",
  "token",
  "group",
  "queue",
  "filter",
  "until",
  "verify",
] as const;

export type FieldName = (typeof FIELDS)[number];

/** Number of a name that no request has. */
export const UNKNOWN = -1;

const numbers: ReadonlyMap<string, number> = /*#__PURE__*/ new Map(FIELDS.map((name, number) => [name, number]));

/** Number of the field that has this name; {@link UNKNOWN} for any other. */
export function numberOf(name: string): number {
  return numbers.get(name) ?? UNKNOWN;
}

/** A bit for each of these fields; there are fewer than 32. */
export function bitsOf(names: readonly FieldName[]): number {
  let bits = 0;
  for (const name of names) bits |= 1 << numberOf(name);
  return bits;
}

/** Where the members of one object lie. Made once and filled again and again. */
export class MemberTable {
  readonly #starts = new Int32Array(FIELDS.length);
  readonly #ends = new Int32Array(FIELDS.length);
  /** A bit for each field that is there. */
  #present = 0;
  /** Whether a member, known or not, is nested deeper than allowed. */
  isTooDeep = false;

  reset(): void {
    this.#present = 0;
    this.isTooDeep = false;
  }

  /** Whether any of these fields is there. @param bits what {@link bitsOf} made of their names */
  hasAny(bits: number): boolean {
    return (this.#present & bits) !== 0;
  }

  set(field: number, start: number, end: number): void {
    this.#present |= 1 << field;
    this.#starts[field] = start;
    this.#ends[field] = end;
  }

  /** First byte of the member's value; -1 where the member is absent. */
  start(field: number): number {
    return (this.#present & (1 << field)) === 0 ? -1 : (this.#starts[field] as number);
  }

  /** One past the last byte of the member's value. */
  end(field: number): number {
    return this.#ends[field] as number;
  }
}
