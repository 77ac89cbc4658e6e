/**
 * What one connection, or one publisher over HTTP, has used up of its rates: messages and bytes that it publishes, and requests that store nothing.
 */
import type { PublishInput } from "../hub/index.js";
import type { PublishRates } from "./port.js";
import { TokenBucket } from "./token-bucket.js";

/** Why a publish has to wait. */
export interface Excess {
  /** What is allowed in a second. */
  readonly may: string;
  readonly waitMs: number;
}

export class Meter {
  readonly #messages = new TokenBucket();
  readonly #bytes = new TokenBucket();
  readonly #requests = new TokenBucket();

  /**
   * Takes what a request costs that stores nothing.
   * @returns 0, or the milliseconds to wait: then nothing was taken
   */
  takeRequest({ requestsPerSecond }: PublishRates, nowMs: number): number {
    const waitMs = waitOf(this.#requests, 1, requestsPerSecond, nowMs);
    if (waitMs === 0) this.#requests.take(1);
    return waitMs;
  }

  /**
   * Takes what a publish costs.
   * @returns undefined, or the longest wait: then nothing was taken
   */
  takePublish(input: PublishInput, rates: PublishRates, nowMs: number): Excess | undefined {
    const { messagesPerSecond, bytesPerSecond, requestsPerSecond } = rates;
    const count = countOf(input);
    const bytes = bytesPerSecond > 0 ? bytesOf(input) : 0;
    const messagesWaitMs = waitOf(this.#messages, count, messagesPerSecond, nowMs);
    const bytesWaitMs = waitOf(this.#bytes, bytes, bytesPerSecond, nowMs);
    // Only where publishes that were refused have taken more than there was.
    const requestsWaitMs = waitOf(this.#requests, 0, requestsPerSecond, nowMs);
    const waitMs = Math.max(messagesWaitMs, bytesWaitMs, requestsWaitMs);
    if (waitMs === 0) {
      this.#messages.take(count);
      this.#bytes.take(bytes);
      return undefined;
    }
    if (waitMs === messagesWaitMs) return { may: `publish ${messagesPerSecond} messages`, waitMs };
    if (waitMs === bytesWaitMs) return { may: `publish ${bytesPerSecond} bytes`, waitMs };
    return { may: `send ${requestsPerSecond} requests`, waitMs };
  }

  /** A publish was refused: it costs what every request costs that stores nothing. */
  giveBack(input: PublishInput, { bytesPerSecond }: PublishRates): void {
    this.#messages.take(-countOf(input));
    if (bytesPerSecond > 0) this.#bytes.take(-bytesOf(input));
    this.#requests.take(1);
  }
}

function waitOf(bucket: TokenBucket, cost: number, perSecond: number, nowMs: number): number {
  return perSecond > 0 ? bucket.waitMs(cost, perSecond, nowMs) : 0;
}

function countOf(input: PublishInput): number {
  return input.records === undefined ? input.messages.length : input.records.count;
}

/** As `maxMessageBytes` counts. */
function bytesOf(input: PublishInput): number {
  if (input.records !== undefined) return input.records.payloadBytes;
  let bytes = 0;
  for (const { data, key, headers } of input.messages) bytes += data.length + headers.length + (key?.length ?? 0);
  return bytes;
}
