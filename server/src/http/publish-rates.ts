/** How much may be published over HTTP: a connection means nothing there, so whoever has one token, or one address, has one set of rates. */
import { RingcastError } from "@ringcast/protocol";
import { addressGroup, ANYBODY, type Identity } from "../auth/index.js";
import type { PublishInput, PublishOutcome, Publisher } from "../hub/index.js";
import type { Runtime } from "../runtime/index.js";
import { Meter, type PublishRates } from "../session/index.js";
import type { Exchange } from "./exchange.js";

/** Publishers remembered; the one that published the longest ago is forgotten first. */
const MAX_PUBLISHERS = 10_000;

export class HttpPublishRates {
  #rates: PublishRates;
  readonly #runtime: Pick<Runtime, "monotonicMs">;
  readonly #meters = new Map<string, Meter>();

  constructor(rates: PublishRates, runtime: Pick<Runtime, "monotonicMs">) {
    this.#rates = rates;
    this.#runtime = runtime;
  }

  configure(rates: PublishRates): void {
    this.#rates = rates;
  }

  /**
   * Publishes, where the rates of whoever asks allow it. What is refused for another reason costs one request instead.
   *
   * @throws RingcastError `rate_limited`, and whatever the publisher throws
   */
  publish(
    publisher: Publisher,
    input: PublishInput,
    { identity, exchange }: { readonly identity: Identity; readonly exchange: Pick<Exchange, "remoteAddress"> },
  ): PublishOutcome | Promise<PublishOutcome> {
    const subject = identity === ANYBODY ? undefined : identity.subject;
    const rates = this.#rates;
    if (rates.messagesPerSecond === 0 && rates.bytesPerSecond === 0 && rates.requestsPerSecond === 0) {
      return publisher.publish(input, subject);
    }
    const meter = this.#meterOf(`${subject ?? ""} ${addressGroup(exchange.remoteAddress)}`);
    const excess = meter.takePublish(input, rates, this.#runtime.monotonicMs());
    if (excess !== undefined) {
      const { may, waitMs } = excess;
      const message = `Your address may ${may} a second over HTTP: try again in ${waitMs} ms.`;
      throw new RingcastError("rate_limited", message, { retryAfterMs: waitMs });
    }
    try {
      return publisher.publish(input, subject);
    } catch (error) {
      meter.giveBack(input, rates);
      throw error;
    }
  }

  #meterOf(key: string): Meter {
    const meter = this.#meters.get(key) ?? new Meter();
    this.#meters.delete(key);
    this.#meters.set(key, meter);
    if (this.#meters.size > MAX_PUBLISHERS) {
      const oldest = this.#meters.keys().next();
      if (oldest.done !== true) this.#meters.delete(oldest.value);
    }
    return meter;
  }
}
