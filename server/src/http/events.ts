/**
 * Server-Sent Events: a cursor reader like a session. The socket is the gate: nothing is written to a stream that is full, its
 * cursors wait in the log.
 */
import { formatEventId, parseEventId, RingcastError, type PartitionStates, type TopicStart } from "@ringcast/protocol";
import type { Hub } from "../hub/index.js";
import { EventStream } from "./event-stream.js";
import type { Exchange } from "./exchange.js";
import type { HttpOptions } from "./port.js";
import { Query } from "./query.js";

/** A comment goes out so often, to keep proxies from closing the connection and to notice readers that are gone. */
const KEEP_ALIVE_SECONDS = 15;
const TICK_MS = 1000;

/** `X-Accel-Buffering` keeps nginx from holding events back. */
export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
};

type EventsOptions = Pick<HttpOptions, "hub" | "runtime" | "maxEventStreams" | "stallTimeoutMs" | "log">;
type Headers = Readonly<Record<string, string>>;

/** All event streams of the hub. One timer serves them all: each stream has its second of the fifteen. */
export class EventStreams {
  readonly #options: EventsOptions;
  readonly #slots: Set<EventStream>[] = Array.from({ length: KEEP_ALIVE_SECONDS }, () => new Set());
  /** Streams whose reader has to catch up with what was written. */
  readonly #full = new Set<EventStream>();
  #count = 0;
  #tick = 0;
  #ticking = false;
  #closed = false;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** Streams that are open. */
  get count(): number {
    return this.#count;
  }

  /**
   * Begins the stream of a topic.
   * @throws RingcastError before the stream has begun: `invalid_offset` `invalid_topic` `too_many` …
   */
  open(exchange: Exchange, topic: string, headers: Headers): void {
    const start = startOf(exchange);
    const { hub, maxEventStreams } = this.#options;
    if (this.#closed) throw new RingcastError("shutting_down", "The hub is going away: connect again.");
    if (this.#count >= maxEventStreams) {
      throw new RingcastError("too_many", `There are ${maxEventStreams} event streams already; try again later.`);
    }
    if (exchange.method === "HEAD") {
      exchange.respond({ status: 200, headers, body: "" });
      return;
    }
    this.#start(hub, exchange, topic, { ...start, headers });
  }

  /** Ends every stream; its browser comes back at a time of its own. */
  drain(spreadMs: number): void {
    this.#closed = true;
    for (const stream of this.#all()) stream.end(Math.floor(this.#options.runtime.random() * spreadMs));
  }

  /** Cuts every stream. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#all()) stream.terminate();
  }

  #start(
    hub: Hub,
    exchange: Exchange,
    topic: string,
    { from, isResumed, headers }: Start & { headers: Headers },
  ): void {
    const slot = this.#slots[this.#tick % KEEP_ALIVE_SECONDS] as Set<EventStream>;
    const stream = new EventStream({
      stallTimeoutMs: this.#options.stallTimeoutMs,
      monotonicMs: this.#options.runtime.monotonicMs,
      failed: (error) => this.#options.log.error({ topic, err: error }, "an event stream failed"),
      filled: () => this.#full.add(stream),
      emptied: () => this.#full.delete(stream),
      closed: () => {
        slot.delete(stream);
        this.#full.delete(stream);
        this.#count -= 1;
      },
    });
    const reader = hub.openReader(stream, "events");
    let partitions: PartitionStates | undefined;
    try {
      ({ partitions } = reader.subscribe({ topic, pattern: undefined, from, window: 0 }));
    } catch (error) {
      reader.close();
      throw isResumed ? asForeignId(error) : error;
    }
    slot.add(stream);
    this.#count += 1;
    // Whoever comes back without an id repeats its `from`, which loses nothing but after "latest": so that one gets an id at once.
    stream.begin(exchange, headers, { reader, position: from === "latest" ? positionOf(partitions ?? {}) : undefined });
    this.#startTicking();
  }

  *#all(): Generator<EventStream> {
    for (const slot of this.#slots) yield* [...slot];
  }

  #startTicking(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#options.runtime.setTimer(TICK_MS, () => {
      this.#ticking = false;
      this.#tick += 1;
      const due = this.#slots[this.#tick % KEEP_ALIVE_SECONDS] as Set<EventStream>;
      for (const stream of [...due]) stream.keepAlive();
      for (const stream of [...this.#full]) stream.checkStall();
      if (this.#count > 0) this.#startTicking();
    });
  }
}

/** Where a stream begins. */
interface Start {
  readonly from: TopicStart;
  /** It came as `Last-Event-ID`. */
  readonly isResumed: boolean;
}

/** `Last-Event-ID`, which a browser sends by itself when it comes back, wins over `from`. */
function startOf(exchange: Exchange): Start {
  const lastEventId = exchange.header("last-event-id");
  if (lastEventId === undefined || lastEventId === "") {
    return { from: new Query(exchange.query).start("from", "latest"), isResumed: false };
  }
  const positions = parseEventId(lastEventId).map(
    ({ partition, ...position }) => [String(partition), position] as const,
  );
  return { from: { positions: Object.fromEntries(positions) }, isResumed: true };
}

/** An id that names partitions which the topic doesn't have is another topic's. */
function asForeignId(error: unknown): unknown {
  if (!(error instanceof RingcastError) || error.code !== "bad_request") return error;
  return new RingcastError("invalid_offset", error.message, error.details, { cause: error });
}

function positionOf(partitions: PartitionStates): string {
  const positions = Object.entries(partitions).map(([partition, { epoch, next }]) => ({
    partition: Number(partition),
    epoch,
    offset: next,
  }));
  return formatEventId(positions);
}
