/**
 * HTTP over the simulated network: a request is one message, its answer a head and pieces of the body, so that the faults of connections are those of
 * requests and event streams as well.
 */
import type { Exchange, HttpHead, HttpResponse, ResponseStream } from "../../../server/src/http/exchange.js";
import type { HttpRoutes } from "../../../server/src/http/index.js";
import type { Frame, Socket, SocketHandler } from "../../../server/src/session/index.js";
import type { EventSource } from "../../fault/workload/surroundings.js";
import { EventParser, type ServerEvent } from "../../support/event-parser.js";
import { withinOn, type ClientPlace } from "./raw-clients.js";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: object;
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON. */
  readonly body: unknown;
}

/** What is dialled for a request. */
export const HTTP = "http";
const CLOSE_NORMAL = 1000;
const HOST = "hub.simulated:7447";

// ---- the hub's side --------------------------------------------------------------------------------------------------

/** Answers the one request of a connection. */
export function serve(http: HttpRoutes, socket: Socket): SocketHandler {
  let stream: { readonly drain: () => void; readonly closed: () => void } | undefined;
  const exchange = (request: Request): Exchange => ({
    method: request.method,
    path: request.path,
    query: request.query ?? "",
    remoteAddress: socket.remoteAddress,
    header: (name) => headersOf(request)[name],
    headerCount: (name) => (Object.hasOwn(headersOf(request), name) ? 1 : 0),
    readBody: (_maxBytes, take) => take(Buffer.from(request.body === undefined ? "" : JSON.stringify(request.body))),
    respond: ({ status, body }: HttpResponse) => {
      write(socket, JSON.stringify({ status }));
      write(socket, body);
      socket.close(CLOSE_NORMAL, "");
    },
    stream: ({ status }: HttpHead, events): ResponseStream => {
      stream = events;
      write(socket, JSON.stringify({ status }));
      return {
        write: (bytes) => write(socket, bytes),
        bufferedBytes: () => socket.bufferedBytes(),
        end: () => socket.close(CLOSE_NORMAL, ""),
        terminate: () => socket.terminate(),
      };
    },
    aborted: false,
  });
  return {
    message: (bytes) => http.handle(exchange(JSON.parse(Buffer.from(bytes).toString()) as Request)),
    drain: () => stream?.drain(),
    closed: () => stream?.closed(),
    alive: () => undefined,
    oversized: () => undefined,
  };
}

function headersOf({ headers, body }: Request): Readonly<Record<string, string>> {
  return { host: HOST, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers };
}

function write(socket: Socket, body: Uint8Array | string): ReturnType<Socket["send"]> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const frames: Frame[] = [{ bytes, binary: true, volatile: false }];
  return socket.send(frames, 1);
}

// ---- the client's side -----------------------------------------------------------------------------------------------

/** @returns undefined where no answer came in time */
export async function request(place: ClientPlace, what: Request, timeoutMs: number): Promise<Answer | undefined> {
  const pieces: string[] = [];
  const answered = new Promise<string[]>((resolve) =>
    dial(
      place,
      what,
      (piece) => pieces.push(piece),
      () => resolve(pieces),
    ),
  );
  const [head, ...body] = await withinOn(place.scheduler, place.host)("an answer", answered, timeoutMs).catch(() => []);
  if (head === undefined) return undefined;
  const text = body.join("");
  return { status: (JSON.parse(head) as { status: number }).status, body: text === "" ? undefined : JSON.parse(text) };
}

/** Opens an event stream. @returns undefined where none begins in time */
export async function openEvents(
  place: ClientPlace,
  what: Request,
  timeoutMs: number,
): Promise<EventSource | undefined> {
  const stream = new SimulatedEvents(place, what);
  const status = await stream.status(timeoutMs).catch(() => 0);
  if (status === 200) return stream;
  stream[Symbol.dispose]();
  return undefined;
}

class SimulatedEvents implements EventSource {
  ended = false;
  readonly #place: ClientPlace;
  readonly #parser = new EventParser();
  readonly #events: ServerEvent[] = [];
  readonly #end: () => void;
  #status: number | undefined;
  #heardMs: number;
  #wake: (() => void) | undefined;

  constructor(place: ClientPlace, what: Request) {
    this.#place = place;
    this.#heardMs = place.scheduler.nowMs;
    this.#end = dial(
      place,
      what,
      (piece) => this.#take(piece),
      () => this.#over(),
    );
  }

  async status(timeoutMs: number): Promise<number> {
    while (this.#status === undefined && !this.ended) await this.#wait(timeoutMs);
    return this.#status ?? 0;
  }

  async next(timeoutMs: number): Promise<ServerEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.ended) throw new Error("The stream ended while an event was expected");
      await this.#wait(timeoutMs).catch((error: unknown) => {
        // The hub says something every fifteen seconds.
        if (this.#place.scheduler.nowMs - this.#heardMs > DEAD_AFTER_MS) this[Symbol.dispose]();
        throw error;
      });
    }
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#over();
  }

  #wait(timeoutMs: number): Promise<void> {
    const { scheduler, host } = this.#place;
    return withinOn(scheduler, host)("an event", new Promise<void>((resolve) => (this.#wake = resolve)), timeoutMs);
  }

  #take(piece: string): void {
    this.#heardMs = this.#place.scheduler.nowMs;
    if (this.#status === undefined) this.#status = (JSON.parse(piece) as { status: number }).status;
    else this.#events.push(...this.#parser.take(piece));
    this.#wake?.();
  }

  #over(): void {
    this.ended = true;
    this.#wake?.();
  }
}

const DEAD_AFTER_MS = 20_000;

/** Sends a request as soon as it is connected. @returns ends it */
function dial(
  { network, host, remoteAddress }: ClientPlace,
  what: Request,
  take: (piece: string) => void,
  over: () => void,
): () => void {
  const dialled = network.dial(host, remoteAddress, HTTP, {
    received: (bytes) => take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()),
    closed: over,
  });
  dialled.send(Buffer.from(JSON.stringify(what)), true);
  return () => dialled.terminate();
}
