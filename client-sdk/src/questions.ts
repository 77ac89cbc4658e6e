/** Requests that change nothing (`history`, `topic`, `ping`): asked again on the next connection, until time is over. */
import { RingcastError, type HubFrame } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import { createDeferred, type Deferred } from "./deferred.js";
import { errorOf } from "./errors.js";
import type { Link } from "./link.js";

interface Question extends Deferred<HubFrame> {
  readonly operation: Operation;
}

export class Questions {
  readonly #link: Link;
  readonly #timeoutMs: number;
  readonly #open = new Set<Question>();

  constructor(link: Link, timeoutMs: number) {
    this.#link = link;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks and waits for the answer.
   *
   * @throws RingcastError (as a rejection) `unavailable` when time is over, and what the hub refuses with
   */
  async ask(operation: Operation): Promise<HubFrame> {
    const question: Question = { ...createDeferred<HubFrame>(), operation };
    this.#open.add(question);
    const message = `The hub did not answer ${operation.op} within ${this.#timeoutMs} ms.`;
    const timer =
      this.#timeoutMs < Infinity
        ? this.#link.runtime.setTimer(this.#timeoutMs, () => question.reject(new RingcastError("unavailable", message)))
        : undefined;
    this.#send(question);
    try {
      return await question.promise;
    } finally {
      timer?.cancel();
      this.#open.delete(question);
    }
  }

  /** Asks again over a connection that was just made. */
  welcomed(): void {
    for (const question of this.#open) this.#send(question);
  }

  close(error: RingcastError): void {
    for (const question of this.#open) question.reject(error);
  }

  #send(question: Question): void {
    if (!this.#link.isReady()) return;
    this.#link.call(question.operation, (reply) => {
      if (reply.op !== "error") question.resolve(reply);
      // A hub that is going away: the next one is asked.
      else if (reply.code !== "shutting_down") question.reject(errorOf(reply));
    });
  }
}
