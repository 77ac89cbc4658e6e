/** Readers that the flush will visit, in the order they came. */
import type { HubReader } from "./reader.js";

/** A queue linked through the readers themselves: standing in line allocates nothing. A reader stands in one line at most. */
export class ReaderLine {
  #first: HubReader | undefined;
  #last: HubReader | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(reader: HubReader): void {
    reader.isLinedUp = true;
    reader.nextInLine = undefined;
    if (this.#last === undefined) this.#first = reader;
    else this.#last.nextInLine = reader;
    this.#last = reader;
  }

  shift(): HubReader | undefined {
    const reader = this.#first;
    if (reader === undefined) return undefined;
    this.#first = reader.nextInLine;
    if (this.#first === undefined) this.#last = undefined;
    reader.nextInLine = undefined;
    reader.isLinedUp = false;
    return reader;
  }
}
