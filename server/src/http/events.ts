/**
 * Server-Sent Events: a cursor reader like a session. The socket is the gate: nothing is written to a stream that is full, its
 * cursors wait in the log.
 */
import {
  formatEventId,
  parseEventId,
  RingcastError,
  type PartitionStates,
  type RecordFilter,
  type TopicStart,
  type Until,
} from "@ringcast/protocol";
import type { Identity } from "../auth/index.js";
import { EventStream, type StreamReport } from "./event-stream.js";
import type { Exchange } from "./exchange.js";
import type { Call, HttpOptions, HttpSettings } from "./port.js";
import { Query } from "./query.js";

/** A comment goes out so often, to keep proxies from closing the connection and to notice readers that are gone. */
const KEEP_ALIVE_SECONDS = 15;
const TICK_MS = 1000;
/** What a stream is called among the connections. */
export const ID_PREFIX = "events_";

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
  /** By id, in the order they opened. */
  readonly #streams = new Map<string, EventStream>();
  #maxEventStreams: number;
  #opened = 0;
  #tick = 0;
  #ticking = false;
  #closed = false;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#maxEventStreams = options.maxEventStreams;
  }

  /** Streams that are open. */
  get count(): number {
    return this.#streams.size;
  }

  /**
   * Begins the stream of a topic.
   * @throws RingcastError before the stream has begun: `invalid_offset` `invalid_topic` `too_many` …
   */
  open({ exchange, params, identity }: Call, headers: Headers): void {
    const request = { topic: params["topic"] ?? "", ...requestOf(exchange) };
    const limit = this.#maxEventStreams;
    if (this.#closed) throw new RingcastError("shutting_down", "The hub is going away: connect again.");
    if (this.count >= limit) {
      throw new RingcastError("too_many", `There are ${limit} event streams already; try again later.`, { limit });
    }
    if (exchange.method === "HEAD") {
      exchange.respond({ status: 200, headers, body: "" });
      return;
    }
    this.#start(exchange, request, { identity, headers });
  }

  configure({ maxEventStreams }: HttpSettings): void {
    this.#maxEventStreams = maxEventStreams;
  }

  /** Streams in the order they opened, at most `limit`, behind the one named `after`. */
  reports(after: string | undefined, limit: number): StreamReport[] {
    const ordinal = after === undefined ? -1 : ordinalOf(after);
    const reports: StreamReport[] = [];
    for (const stream of this.#streams.values()) {
      if (reports.length >= limit) break;
      if (ordinalOf(stream.id) > ordinal) reports.push(stream.report());
    }
    return reports;
  }

  stream(id: string): EventStream | undefined {
    return this.#streams.get(id);
  }

  /** Ends the streams of whoever this doesn't accept any more. */
  revoke(isValid: (identity: Identity) => boolean): void {
    for (const stream of [...this.#streams.values()]) if (!isValid(stream.identity)) stream.end(0);
  }

  /** Ends every stream; its browser comes back at a time of its own. */
  drain(spreadMs: number): void {
    this.#closed = true;
    for (const stream of [...this.#streams.values()]) stream.end(Math.floor(this.#options.runtime.random() * spreadMs));
  }

  /** Cuts every stream. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams.values()]) stream.terminate();
  }

  #start(exchange: Exchange, request: StreamRequest, { identity, headers }: StreamOwner): void {
    const { topic, from, until, filter, isResumed } = request;
    const { hub, runtime } = this.#options;
    const slot = this.#slots[this.#tick % KEEP_ALIVE_SECONDS] as Set<EventStream>;
    const stream: EventStream = new EventStream({
      id: `${ID_PREFIX}${this.#opened++}`,
      identity,
      remoteAddress: exchange.remoteAddress,
      sinceMs: runtime.nowMs(),
      stallTimeoutMs: this.#options.stallTimeoutMs,
      monotonicMs: runtime.monotonicMs,
      failed: (error) => this.#options.log.error({ topic, err: error }, "an event stream failed"),
      filled: () => this.#full.add(stream),
      emptied: () => this.#full.delete(stream),
      closed: () => {
        slot.delete(stream);
        this.#full.delete(stream);
        this.#streams.delete(stream.id);
      },
    });
    const reader = hub.openReader(stream, "events");
    let partitions: PartitionStates | undefined;
    try {
      ({ partitions } = reader.subscribe({
        topic,
        pattern: undefined,
        from,
        until,
        filter,
        verify: false,
        window: 0,
      }));
    } catch (error) {
      reader.close();
      throw isResumed ? asForeignId(error) : error;
    }
    slot.add(stream);
    this.#streams.set(stream.id, stream);
    // Whoever comes back without an id repeats its `from`, which loses nothing but after "latest": so that one gets an id at once.
    stream.begin(exchange, headers, { reader, position: from === "latest" ? positionOf(partitions ?? {}) : undefined });
    this.#startTicking();
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
      if (this.count > 0) this.#startTicking();
    });
  }
}

/** What a reader asks for. */
interface StreamRequest {
  readonly topic: string;
  readonly from: TopicStart;
  readonly until: Until | undefined;
  readonly filter: RecordFilter | undefined;
  /** `from` came as `Last-Event-ID`. */
  readonly isResumed: boolean;
}

interface StreamOwner {
  readonly identity: Identity;
  readonly headers: Headers;
}

function requestOf(exchange: Exchange): Omit<StreamRequest, "topic"> {
  const query = new Query(exchange.query);
  return { until: query.until(), filter: query.filter(), ...startOf(exchange, query) };
}

/** Behind {@link ID_PREFIX}; -1 where it isn't one. */
function ordinalOf(id: string): number {
  const text = id.slice(ID_PREFIX.length);
  return id.startsWith(ID_PREFIX) && /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

/** `Last-Event-ID`, which a browser sends by itself when it comes back, wins over `from`. */
function startOf(exchange: Exchange, query: Query): Pick<StreamRequest, "from" | "isResumed"> {
  const lastEventId = exchange.header("last-event-id");
  if (lastEventId === undefined || lastEventId === "") {
    return { from: query.start("latest"), isResumed: false };
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
