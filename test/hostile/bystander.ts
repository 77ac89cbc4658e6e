/** Somebody who publishes and reads while others do what they shouldn't: each message must come, once, in order and in time. */
import { performance } from "node:perf_hooks";
import { JsonClient } from "../support/json-client.js";
import type { TestHub } from "../support/hub.js";
import { until } from "../support/until.js";

/** What bystanders publish to begins with this. */
export const BYSTANDER_TOPIC = "bystander";
const INTERVAL_MS = 5;

export class Bystander implements AsyncDisposable {
  /** From the publish of each message to its arrival, milliseconds. */
  readonly latencies: number[] = [];
  readonly #publisher: JsonClient;
  readonly #reader: JsonClient;
  readonly #sentAt: number[] = [];
  #trouble: Error | undefined;
  #isEnding = false;
  readonly #publishing: Promise<void>;
  readonly #reading: Promise<void>;

  private constructor(publisher: JsonClient, reader: JsonClient) {
    this.#publisher = publisher;
    this.#reader = reader;
    this.#publishing = this.#publish().catch((error: unknown) => void (this.#trouble ??= error as Error));
    this.#reading = this.#read().catch((error: unknown) => {
      if (!this.#isEnding) this.#trouble ??= error as Error;
    });
  }

  /** @param token of both connections, where the hub asks for one */
  static async start(hub: Pick<TestHub, "wsUrl">, token?: string): Promise<Bystander> {
    const options = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
    const [publisher, reader] = await Promise.all([
      JsonClient.connect(hub.wsUrl, options),
      JsonClient.connect(hub.wsUrl, options),
    ]);
    const reply = await reader.request({ op: "subscribe", topic: BYSTANDER_TOPIC, from: "latest" });
    if (reply.op !== "subscribed") throw new Error(`The bystander can't subscribe: ${JSON.stringify(reply)}`);
    return new Bystander(publisher, reader);
  }

  /** Stops publishing and waits until everything has come. @throws Error for a hole, a repetition or a refusal */
  async complete(): Promise<void> {
    this.#isEnding = true;
    await this.#publishing;
    await until("the bystander has read everything", () => {
      if (this.#trouble !== undefined) throw this.#trouble;
      return this.latencies.length === this.#sentAt.length;
    });
  }

  async #publish(): Promise<void> {
    while (!this.#isEnding) {
      const number = this.#sentAt.length;
      this.#sentAt.push(performance.now());
      const reply = await this.#publisher.request({ op: "publish", topic: BYSTANDER_TOPIC, data: number });
      if (reply.op !== "published") throw new Error(`The bystander was refused: ${JSON.stringify(reply)}`);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const frame = await this.#reader.next();
      if (frame.op !== "messages") throw new Error(`The bystander got ${JSON.stringify(frame)}`);
      for (const { data } of frame.messages) {
        if (data !== this.latencies.length)
          throw new Error(`The bystander got message ${String(data)} instead of ${this.latencies.length}`);
        this.latencies.push(performance.now() - (this.#sentAt[this.latencies.length] as number));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    await this.#publishing;
    await Promise.all([this.#publisher[Symbol.asyncDispose](), this.#reader[Symbol.asyncDispose]()]);
    await this.#reading;
  }
}
