/** Publishes as long as it may, over connections that may break at any moment; one at a time with a sequence, or several at once without. */
import type { OffsetRange } from "@ringcast/protocol";
import type { Place, Publish } from "../history/history.js";
import type { AnyFrame } from "../../support/frame-client.js";
import type { Random } from "../../support/random.js";
import { digestOf, type Payload, type Recorder } from "./recorder.js";
import type { Dialect, RequestClient, Surroundings } from "./surroundings.js";

export interface PublisherOptions {
  readonly name: string;
  readonly topic: string;
  /** A dialect over a WebSocket, or requests over HTTP. */
  readonly speaks: Dialect | "http";
  readonly isIdempotent: boolean;
  readonly random: Random;
  readonly recorder: Recorder;
  readonly surroundings: Surroundings;
  /** The longest pause behind a publish, milliseconds; none by default. */
  readonly thinkMs?: number;
  /** How long it waits for an answer, milliseconds; a minute by default. */
  readonly patienceMs?: number;
  /** Bytes of the largest filler, of which one value in twenty has some; 8,000 by default. */
  readonly fillerBytes?: number;
  /** Messages of a batch, at most; 20 by default. */
  readonly batch?: number;
}

const MOST_IN_FLIGHT = 8;
const RETRY_MS = 20;
/** Whether an error leaves open if anything was stored: a sync that failed comes after the record was written. */
function isUnsure({ op, code, details }: AnyFrame): boolean {
  if (op !== "error") return false;
  return (
    code === "internal" || (code === "unavailable" && (details as AnyFrame["details"] | undefined)?.["stored"] !== "no")
  );
}

export class Publisher {
  readonly #options: PublisherOptions;
  #client: RequestClient | undefined;
  #connections = 0;
  #values = 0;
  #sequence = 0;
  /** A producer whose sequences the hub has lost begins anew, under another name. */
  #lives = 0;
  #isSynced = false;
  #mayGoOn = true;
  /** How many of its publishes were acknowledged. */
  acknowledged = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get speaks(): PublisherOptions["speaks"] {
    return this.#options.speaks;
  }

  /** Resolves when it was stopped and every call has its outcome. */
  async run(): Promise<void> {
    const { isIdempotent, random, surroundings, thinkMs = 0 } = this.#options;
    const inFlight = new Set<Promise<void>>();
    while (this.#mayGoOn) {
      const client = await this.#connected();
      if (client === undefined) continue;
      const call = isIdempotent ? this.#publishOnce() : this.#publish(client, this.#payloads()).then(() => undefined);
      const ended: Promise<void> = call.then(() => void inFlight.delete(ended));
      inFlight.add(ended);
      // Room for one more; with a sequence, the answer first.
      if (isIdempotent || inFlight.size >= MOST_IN_FLIGHT) await Promise.race(inFlight);
      else if (random.oneIn(4)) await Promise.race([...inFlight, surroundings.pause(1)]);
      if (thinkMs > 0) await surroundings.pause(random.below(thinkMs));
    }
    await Promise.all(inFlight);
    await this.#client?.[Symbol.asyncDispose]();
  }

  stop(): void {
    this.#mayGoOn = false;
  }

  /** Sends a sequence until its outcome is known, over as many connections as it takes. */
  async #publishOnce(): Promise<void> {
    const payloads = this.#payloads();
    const producer = { id: `${this.#options.name} ${this.#lives}`, sequence: this.#sequence };
    for (;;) {
      const client = await this.#connected();
      if (client === undefined) continue;
      const outcome = await this.#publish(client, payloads, producer);
      if (outcome === "unknown") continue;
      if (outcome === "ok") this.#sequence++;
      if (outcome === "out_of_sequence") [this.#lives, this.#sequence] = [this.#lives + 1, 0];
      return;
    }
  }

  async #publish(
    client: RequestClient,
    payloads: readonly Payload[],
    producer?: Publish["producer"],
  ): Promise<"ok" | "refused" | "out_of_sequence" | "unknown"> {
    const { recorder, topic, random, name, speaks, surroundings, patienceMs = 60_000 } = this.#options;
    const call = recorder.nextCall();
    // Several in a row, so that one sync is waited for by many.
    this.#isSynced = this.#isSynced ? !random.oneIn(4) : random.oneIn(20);
    const durability = this.#isSynced ? "synced" : "stored";
    // All of a batch have the same.
    const key = payloads[0]?.key;
    const values = payloads.map((payload) => ({ value: payload.data.value, digest: digestOf(payload) }));
    const keyed = key === undefined ? {} : { key };
    const base = {
      type: "publish",
      call,
      // Requests over HTTP take connections of their own and may overtake each other.
      client: `${name} ${speaks === "http" ? `call ${call}` : this.#connections}`,
      topic,
      values,
      durability,
      ...keyed,
    } as const;
    recorder.tell(producer === undefined ? base : { ...base, producer });
    const [only] = payloads;
    const what = payloads.length === 1 ? { ...only } : { messages: payloads };
    const request = { op: "publish", topic, durability, ...what, ...(producer === undefined ? {} : { producer }) };
    const reply = await client.request(request, patienceMs).catch(() => undefined);
    if (reply === undefined || isUnsure(reply)) {
      recorder.tell({ type: "unknown", call });
      // Whoever got no answer in time tries it over another connection.
      if (reply === undefined) await client[Symbol.asyncDispose]();
      return "unknown";
    }
    if (reply.op === "error") {
      recorder.tell({ type: "refused", call, code: reply.code });
      await surroundings.pause(RETRY_MS);
      return reply.code === "out_of_sequence" ? "out_of_sequence" : "refused";
    }
    const { duplicate: isDuplicate = false } = reply as { readonly duplicate?: boolean };
    const places = placesOf(topic, reply);
    recorder.tell({ type: "published", call, places, timestamp: reply.timestamp, isDuplicate });
    this.acknowledged++;
    return "ok";
  }

  #payloads(): Payload[] {
    const { random, fillerBytes = 8_000, batch = 20 } = this.#options;
    const count = random.oneIn(3) ? 1 + random.below(batch) : 1;
    // All of a batch in one partition: without keys, or with one.
    const key = random.oneIn(2) ? { key: `k${random.below(8)}` } : {};
    return Array.from({ length: count }, () => {
      const value = `${this.#options.name}-${this.#values++}`;
      const headers = random.oneIn(4) ? { headers: { kind: `h${random.below(3)}`, value } } : {};
      return {
        data: { value, filler: "x".repeat(random.oneIn(20) ? random.below(fillerBytes) : random.below(200)) },
        ...key,
        ...headers,
      };
    });
  }

  async #connected(): Promise<RequestClient | undefined> {
    if (this.#client?.isOpen === true) return this.#client;
    const { speaks, surroundings } = this.#options;
    this.#client = await (speaks === "http" ? surroundings.http?.open() : surroundings.connect(speaks));
    if (this.#client === undefined) await surroundings.pause(surroundings.retryMs);
    else this.#connections++;
    return this.#client;
  }
}

/** Where a publish stands: a single record in the reply itself, a batch in ranges of offsets, in the order of its messages. */
function placesOf(topic: string, reply: AnyFrame): Place[] {
  const { partition, epoch, offset } = reply;
  const ranges = (reply.offsets as readonly OffsetRange[] | undefined) ?? [];
  if (ranges.length === 0)
    return (offset as number | undefined) === undefined ? [] : [{ topic, partition, epoch, offset }];
  return ranges.flatMap(({ first, count, ...range }) =>
    Array.from({ length: count }, (_, n) => ({
      topic,
      partition: range.partition,
      epoch: range.epoch,
      offset: first + n,
    })),
  );
}
