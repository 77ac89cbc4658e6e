/** The route that publishes: JSON bodies with one message or many, or a raw body as one message. */
import {
  CONTENT_TYPE,
  decodePublishBody,
  encodeUtf8,
  jsonPublishedBody,
  rawMessage,
  RingcastError,
  type Limits,
  type PublishBody,
} from "@ringcast/protocol";
import { publishedFields, type Hub, type Publisher, type PublishOutcome } from "../hub/index.js";
import { json, JSON_HEADERS, type Answer, type VolatileAnswer } from "./answer.js";
import { mediaTypeOf } from "./body.js";
import type { Exchange } from "./exchange.js";
import type { Call } from "./port.js";
import type { HttpPublishRates } from "./publish-rates.js";
import type { Answered, BodyWanted, Route } from "./router.js";

const KEY_HEADER = "ringcast-key";
const JSON_BODY = "application/json";
const RAW_BODIES: ReadonlyMap<string, number> = new Map([
  ["application/octet-stream", CONTENT_TYPE.bytes],
  ["text/plain", CONTENT_TYPE.text],
  ["application/msgpack", CONTENT_TYPE.msgpack],
]);
const ACCEPTED = [JSON_BODY, ...RAW_BODIES.keys()];

export interface PublishOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly maxBodyBytes: number;
  readonly rates: HttpPublishRates;
}

export function publishRoute(options: PublishOptions): Route {
  const publishing = new Publishing(options);
  return {
    method: "POST",
    path: "/v1/topics/:topic/messages",
    handle: (call) => new Publish(publishing, call),
  };
}

/** What all publishes over HTTP share. */
class Publishing {
  readonly options: PublishOptions;
  /** Of the last request, where that did not wait; its counts are all 0 again. */
  #idle: Publisher | undefined;

  constructor(options: PublishOptions) {
    this.options = options;
  }

  /** Answers at once, unless the publish waits for the storage device. */
  store({ messages, batch, partition, producer, durability }: PublishBody, call: Call): Answered {
    const input = { topic: call.params["topic"] ?? "", messages, partition, producer, durability };
    // Every request is a gate of its own, so each has its own count of what waits for the storage device. Those that don't wait count nothing: they share one.
    const publisher = (this.#idle ??= this.options.hub.openPublisher());
    const outcome = this.options.rates.publish(publisher, input, call);
    if (!(outcome instanceof Promise)) return volatile(outcome, batch);
    this.#idle = undefined;
    return outcome.then((synced) => lasting(synced, batch));
  }
}

/** One request, whose head has been judged. */
class Publish implements BodyWanted {
  readonly maxBytes: number;
  readonly #publishing: Publishing;
  readonly #call: Call;
  readonly #type: string;
  readonly #key: Uint8Array | undefined;

  constructor(publishing: Publishing, call: Call) {
    this.maxBytes = publishing.options.maxBodyBytes;
    this.#publishing = publishing;
    this.#call = call;
    this.#type = mediaTypeOf(call.exchange, ACCEPTED);
    this.#key = keyOf(call.exchange);
  }

  take(bytes: Uint8Array): Answered {
    const { limits } = this.#publishing.options;
    const type = this.#type;
    const key = this.#key;
    const body = type === JSON_BODY ? decodeJson(bytes, key, limits) : wrapRaw(bytes, key, { type, limits });
    return this.#publishing.store(body, this.#call);
  }
}

/** One sync answers many requests at once, each some microtasks later: a body in shared bytes would be the last one's by then. */
function lasting(outcome: PublishOutcome, batch: boolean): Answer {
  return json(201, publishedFields(outcome, { batch }));
}

/** What nearly every publish is answered with is written without an object being made, and must be sent at once. */
function volatile(outcome: PublishOutcome, batch: boolean): Answer | VolatileAnswer {
  const { topic, offsets, timestamp, duplicate } = outcome;
  const range = offsets?.length === 1 ? offsets[0] : undefined;
  if (range === undefined || timestamp === undefined || duplicate) return lasting(outcome, batch);
  const body = batch
    ? jsonPublishedBody.batch(undefined, topic, range, timestamp)
    : jsonPublishedBody.single(undefined, topic, range, timestamp);
  return { status: 201, headers: JSON_HEADERS, body, volatile: true };
}

function decodeJson(bytes: Uint8Array, key: Uint8Array | undefined, limits: Limits): PublishBody {
  if (key === undefined) return decodePublishBody(bytes, limits);
  throw new RingcastError("bad_request", "Give the key of a JSON message in the body, not as Ringcast-Key.", {
    field: "Ringcast-Key",
  });
}

function wrapRaw(
  bytes: Uint8Array,
  key: Uint8Array | undefined,
  { type, limits }: { type: string; limits: Limits },
): PublishBody {
  const message = rawMessage(RAW_BODIES.get(type) ?? CONTENT_TYPE.bytes, bytes, key, limits);
  return { messages: [message], batch: false, partition: undefined, producer: undefined, durability: undefined };
}

/** The key of a raw body. Header values are ASCII: what isn't would reach us changed. */
function keyOf(exchange: Exchange): Uint8Array | undefined {
  const key = exchange.header(KEY_HEADER);
  if (key === undefined) return undefined;
  if (exchange.headerCount(KEY_HEADER) === 1 && /^[\x20-\x7e]*$/.test(key)) return encodeUtf8(key);
  throw new RingcastError("bad_request", "Give Ringcast-Key once and in ASCII; other keys go into a JSON body.", {
    field: "Ringcast-Key",
  });
}
