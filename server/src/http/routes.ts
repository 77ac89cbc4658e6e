/**
 * All HTTP routes of the hub over one exchange: judges who asks, finds the route, turns what it throws into the error body.
 *
 * @see docs/protocol.md, "HTTP"
 */
import { RingcastError } from "@ringcast/protocol";
import { ANYBODY, type Identity } from "../auth/index.js";
import { checkOrigin, corsHeaders, identify, preflightHeaders } from "./access.js";
import { errorAnswer, HttpError, json, send, type Answer, type VolatileAnswer } from "./answer.js";
import { smallJson } from "./body.js";
import { connectionRoutes } from "./connections.js";
import { EVENT_STREAM_HEADERS, EventStreams } from "./events.js";
import type { Exchange } from "./exchange.js";
import { fileRoutes } from "./files.js";
import { historyRoute } from "./history.js";
import type { Call, HttpOptions, HttpRoutes, HttpSettings, HttpStats, JsonRoute } from "./port.js";
import { publishRoute } from "./publish.js";
import { HttpPublishRates } from "./publish-rates.js";
import { restoreRoute } from "./restore.js";
import { Router, type BodyWanted, type Outcome, type Route } from "./router.js";
import { statusRoutes } from "./status.js";
import { topicRoutes } from "./topics.js";

/** Makes the routes of a hub. */
export function createHttpRoutes(options: HttpOptions): HttpRoutes {
  return new Routes(options);
}

type Headers = Readonly<Record<string, string>>;

const SOCKET_PATH = "/v1/ws";

const NO_PARAMS: Call["params"] = Object.freeze({});

/** A request from its arrival to its answer. */
class OpenCall implements Call {
  readonly exchange: Exchange;
  readonly headers: Headers;
  // Known once its route is found.
  params = NO_PARAMS;
  identity: Identity = ANYBODY;

  constructor(exchange: Exchange, headers: Headers) {
    this.exchange = exchange;
    this.headers = headers;
  }
}

class Routes implements HttpRoutes {
  readonly #options: HttpOptions;
  readonly #router: Router;
  readonly #streams: EventStreams;
  readonly #publishRates: HttpPublishRates;
  readonly #responses = new Map<number, number>();
  readonly #errors = new Map<string, number>();
  readonly stats: HttpStats;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options);
    this.#publishRates = new HttpPublishRates(options.rates, options.runtime);
    this.#router = new Router(this.#allRoutes());
    const streams = this.#streams;
    this.stats = {
      get streams() {
        return streams.count;
      },
      responses: this.#responses,
      errors: this.#errors,
    };
  }

  handle(exchange: Exchange): void {
    if (exchange.method === "OPTIONS") {
      const call = new OpenCall(exchange, preflightHeaders(this.#options.access, exchange));
      this.#send(call, { status: 204 });
      return;
    }
    const call = new OpenCall(exchange, corsHeaders(this.#options.access, exchange.header("origin")));
    this.#follow(call, this.#begin(call));
  }

  configure(settings: HttpSettings): void {
    this.#streams.configure(settings);
    this.#publishRates.configure(settings.rates);
  }

  revoke(isValid: (identity: Identity) => boolean): void {
    this.#streams.revoke(isValid);
  }

  drain(spreadMs: number): void {
    this.#streams.drain(spreadMs);
  }

  close(): void {
    this.#streams.close();
  }

  /** Never throws. */
  #begin(call: OpenCall): Outcome {
    const { exchange } = call;
    try {
      const { access } = this.#options;
      checkOrigin(access, exchange.header("origin"), exchange.header("host"));
      if (!this.#router.isOpen(exchange.path)) call.identity = identify(access, exchange);
      const { route, params } = this.#router.find(exchange.method, exchange.path);
      call.params = params;
      return route.handle(call);
    } catch (error) {
      return this.#refuse(exchange, error);
    }
  }

  /** Never throws. @param body or what there is instead */
  #goOn({ exchange }: Call, wanted: BodyWanted, body: Uint8Array | RingcastError): Outcome {
    try {
      if (body instanceof RingcastError) throw body;
      return wanted.take(body);
    } catch (error) {
      return this.#refuse(exchange, error);
    }
  }

  /** Without promises where there need be none: what is known within a call of the transport is answered within it. */
  #follow(call: Call, outcome: Outcome): void {
    if (outcome === undefined) return;
    if (outcome instanceof Promise) void this.#sendLater(call, outcome);
    else if ("take" in outcome) this.#readBody(call, outcome);
    else this.#send(call, outcome);
  }

  #readBody(call: Call, wanted: BodyWanted): void {
    call.exchange.readBody(wanted.maxBytes, (body) => this.#follow(call, this.#goOn(call, wanted, body)));
  }

  /** Never rejects. */
  async #sendLater(call: Call, promise: Promise<Answer>): Promise<void> {
    const answer = await promise.catch((error: unknown) => this.#refuse(call.exchange, error));
    this.#send(call, answer);
  }

  #refuse(exchange: Exchange, error: unknown): Answer {
    if (error instanceof RingcastError) {
      this.#count(this.#errors, error.code);
      return errorAnswer(error);
    }
    this.#count(this.#errors, "internal");
    this.#options.log.error({ method: exchange.method, path: exchange.path, err: error }, "an HTTP request failed");
    return errorAnswer(new RingcastError("internal", "The hub failed at this request; its log says more."));
  }

  #send({ exchange, headers }: Call, answer: Answer | VolatileAnswer): void {
    this.#count(this.#responses, answer.status);
    send(exchange, answer, headers);
  }

  #count<K>(counts: Map<K, number>, key: K): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  #allRoutes(): Route[] {
    const { hub, files, routes } = this.#options;
    return [
      publishRoute({ ...this.#options, rates: this.#publishRates }),
      historyRoute(hub),
      { method: "GET", path: "/v1/topics/:topic/events", handle: (call) => this.#openStream(call) },
      restoreRoute(this.#options),
      ...topicRoutes(hub),
      ...connectionRoutes(this.#options.sessions, this.#streams),
      ...statusRoutes(this.#options),
      { method: "GET", path: SOCKET_PATH, handle: upgradeRequired },
      ...routes.map(asRoute),
      ...fileRoutes(files),
    ];
  }

  #openStream(call: Call): undefined {
    this.#streams.open(call, { ...EVENT_STREAM_HEADERS, ...call.headers });
    this.#count(this.#responses, 200);
  }
}

function upgradeRequired(): never {
  throw new HttpError(426, `${SOCKET_PATH} speaks WebSocket (version 13): connect with a WebSocket client.`, {
    headers: { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" },
  });
}

function asRoute(route: JsonRoute): Route {
  const answer = (request: unknown): Answer => {
    const { status, body } = route.handle(request);
    return json(status, body);
  };
  return {
    method: route.method,
    path: route.path,
    handle: ({ exchange }) => (route.method === "POST" ? smallJson(exchange, answer) : answer(undefined)),
  };
}
