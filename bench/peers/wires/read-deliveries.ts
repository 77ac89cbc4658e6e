/** Records that came in one read: told together, since a call for each would take a good part of the generator's time. */
import type { Sink } from "../../../server/src/cli/bench/wire.js";

export class ReadDeliveries {
  readonly #sink: Sink;
  #records = 0;
  #lastPayload = -1;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** A record is there. One whose latency counts is told at once. @param payload where its bytes are in what was read */
  add(payload: number): void {
    if (this.#sink.isExact) {
      this.#sink.delivered(1, payload);
      return;
    }
    this.#records++;
    this.#lastPayload = payload;
  }

  /** The read is over. */
  tell(): void {
    if (this.#records > 0) this.#sink.delivered(this.#records, this.#lastPayload);
    this.#records = 0;
  }
}
