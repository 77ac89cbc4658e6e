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

/** Where the members of one object lie. Made once and filled again and again. */
export class MemberTable {
  readonly #starts = new Int32Array(FIELDS.length);
  readonly #ends = new Int32Array(FIELDS.length);
  /** Whether a member, known or not, is nested deeper than allowed. */
  isTooDeep = false;

  reset(): void {
    const starts = this.#starts;
    // A loop: for so few the call of `fill` costs several times more.
    for (let field = 0; field < starts.length; field++) starts[field] = -1;
    this.isTooDeep = false;
  }

  set(field: number, start: number, end: number): void {
    this.#starts[field] = start;
    this.#ends[field] = end;
  }

  /** First byte of the member's value; -1 where the member is absent. */
  start(field: number): number {
    return this.#starts[field] as number;
  }

  /** One past the last byte of the member's value. */
  end(field: number): number {
    return this.#ends[field] as number;
  }
}
