/**
 * The head of an HTTP request, copied out of the library that read it: it stays valid after an `await`.
 */

/** Headers one after the other: name (lower case), value, name, value, … in the order they came, repeated ones too. */
export type HeaderList = readonly string[];

export class RequestHead {
  /**
   * @param method upper case
   * @param path target without the query, undecoded
   * @param query undecoded, without the question mark; empty where there is none
   */
  constructor(
    readonly method: string,
    readonly path: string,
    readonly query: string,
    readonly headers: HeaderList,
  ) {}

  /** Value of a header by its lower-case name; of one that came several times, joined by `, `. O(number of headers). */
  header(name: string): string | undefined {
    let value: string | undefined;
    for (let at = 0; at < this.headers.length; at += 2) {
      if (this.headers[at] !== name) continue;
      const next = this.headers[at + 1] ?? "";
      value = value === undefined ? next : `${value}, ${next}`;
    }
    return value;
  }

  /** How often a header came. */
  count(name: string): number {
    let count = 0;
    for (let at = 0; at < this.headers.length; at += 2) if (this.headers[at] === name) count++;
    return count;
  }

  /** Whether an entry is among those of {@link list}, in whatever case. @param entry lower case, without a comma */
  lists(name: string, entry: string): boolean {
    const value = this.header(name);
    if (value === undefined) return false;
    // Alone, as nearly always: what is as long can hold nothing else.
    if (value.length === entry.length) return value.toLowerCase() === entry;
    return this.list(name).some((each) => each.toLowerCase() === entry);
  }

  /** The comma-separated entries of all headers of that name, trimmed, empty ones left out. */
  list(name: string): string[] {
    const value = this.header(name) ?? "";
    if (!value.includes(",")) {
      const only = value.trim();
      return only === "" ? [] : [only];
    }
    return value
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
  }

  /** Announced length of the body; `undefined` where it is sent in chunks. The guard has made sure that it is a number. */
  get contentLength(): number | undefined {
    if (this.header("transfer-encoding") !== undefined) return undefined;
    return Number(this.header("content-length") ?? 0);
  }
}
