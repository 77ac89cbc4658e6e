/**
 * How often one connection may ask: refuses or delays what comes too soon. Exists only where a rate is limited.
 */
import { RingcastError, type AckRequest, type Request } from "@ringcast/protocol";
import type { Publisher, PublishInput, PublishOutcome } from "../hub/index.js";
import type { Runtime } from "../runtime/index.js";
import { DelayedAcks } from "./delayed-acks.js";
import { Meter } from "./meter.js";
import type { PublishRates } from "./port.js";

/** The rates as they are at the moment, and the clock. */
export interface RateSource {
  readonly rates: PublishRates;
  readonly runtime: Runtime;
}

/** Whether there is any limit at all. */
export function isLimited({ messagesPerSecond, bytesPerSecond, requestsPerSecond }: PublishRates): boolean {
  return messagesPerSecond > 0 || bytesPerSecond > 0 || requestsPerSecond > 0;
}

export class ConnectionRates {
  readonly #source: RateSource;
  readonly #meter = new Meter();
  readonly #acks = new DelayedAcks();
  #publisher: Publisher | undefined = undefined;
  /** Milliseconds until a delayed `ack` may be carried out; Infinity: none waits. */
  delayMs = Infinity;

  constructor(source: RateSource) {
    this.#source = source;
  }

  /** A connection's publisher, taking no more than the rates allow. */
  limit(publisher: Publisher): Publisher {
    return (this.#publisher ??= new LimitedPublisher(publisher, this.#meter, this.#source));
  }

  /**
   * Lets a request pass, or keeps it: an `ack` without id, since nobody waits for its answer. What a publish costs is its publisher's affair.
   *
   * @returns 0: carry it out; else it is kept, to be had from {@link nextDelayed} after so many milliseconds
   * @throws RingcastError `rate_limited` for any other that comes too soon
   */
  admit(request: Request): number {
    if (request.op === "publish") return 0;
    if (request.op === "unsubscribe") this.#acks.forget(request.subscription);
    const waitMs = this.#takeRequest();
    if (waitMs === 0) return 0;
    if (request.op !== "ack" || request.id !== undefined || !this.#acks.add(request)) throw this.#excess(waitMs);
    return waitMs;
  }

  /** What a malformed request is answered with instead, where even those come too often. */
  judgeMalformed(): RingcastError | undefined {
    const waitMs = this.#takeRequest();
    return waitMs === 0 ? undefined : this.#excess(waitMs);
  }

  /** The next `ack` that may be carried out by now. */
  nextDelayed(): AckRequest | undefined {
    this.delayMs = this.#acks.isEmpty ? Infinity : this.#takeRequest();
    return this.delayMs === 0 ? this.#acks.take() : undefined;
  }

  #takeRequest(): number {
    const { rates, runtime } = this.#source;
    return this.#meter.takeRequest(rates, runtime.monotonicMs());
  }

  #excess(waitMs: number): RingcastError {
    return rateLimited(`send ${this.#source.rates.requestsPerSecond} requests`, waitMs);
  }
}

class LimitedPublisher implements Publisher {
  readonly #inner: Publisher;
  readonly #meter: Meter;
  readonly #source: RateSource;

  constructor(inner: Publisher, meter: Meter, source: RateSource) {
    this.#inner = inner;
    this.#meter = meter;
    this.#source = source;
  }

  publish(input: PublishInput, subject: string | undefined): PublishOutcome | Promise<PublishOutcome> {
    const { rates, runtime } = this.#source;
    const excess = this.#meter.takePublish(input, rates, runtime.monotonicMs());
    if (excess !== undefined) throw rateLimited(excess.may, excess.waitMs);
    try {
      return this.#inner.publish(input, subject);
    } catch (error) {
      // Also lets a large publish have its turn that smaller ones of the same producer run ahead of, all out of sequence.
      this.#meter.giveBack(input, rates);
      throw error;
    }
  }
}

/** @param may what is allowed in a second */
function rateLimited(may: string, retryAfterMs: number): RingcastError {
  const message = `This connection may ${may} a second: try again in ${retryAfterMs} ms.`;
  return new RingcastError("rate_limited", message, { retryAfterMs });
}
