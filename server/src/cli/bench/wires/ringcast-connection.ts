/** What both dialects of Ringcast have in common: requests and their answers, subscriptions and where they are. */
import type { RingcastWireOptions } from "../ringcast.js";
import type { Sink, Wire, WireConnection } from "../wire.js";

/** Ids of publishes have this many digits, so that the next one can be written over the last. */
const FIRST_PUBLISH_ID = 1_000_000_000;

/** A subscription of a connection. Topics have one partition. */
export interface RingcastSubscription {
  readonly topic: string;
  /** Number that the generator gave it. */
  readonly number: number;
  epoch: string;
  /** Offset of the next record. */
  next: number;
}

/** What the hub says but records, as it comes in either dialect. */
interface ControlFrame {
  readonly op?: string;
  readonly id?: number;
  readonly code?: string;
  readonly message?: string;
  readonly subscription?: number;
  readonly partitions?: Readonly<Record<string, { readonly epoch: string; readonly next: number }>>;
  readonly reason?: string;
  readonly epoch?: string;
  readonly from?: number;
  readonly next?: number;
  readonly to?: number;
}

export abstract class RingcastConnection implements WireConnection {
  protected readonly sink: Sink;
  /** By the hub's number. */
  readonly #subscriptions = new Map<number, RingcastSubscription>();
  /** Requests under way, by id. */
  readonly #requests = new Map<number, { readonly topic: string; readonly number: number }>();
  /** What the connection before had, by the generator's number. */
  readonly #former: ReadonlyMap<number, RingcastSubscription>;
  #lastId = 0;
  #lastPublishId = FIRST_PUBLISH_ID;

  constructor(sink: Sink, before: WireConnection | undefined) {
    this.sink = sink;
    const former = before instanceof RingcastConnection ? [...before.#subscriptions.values()] : [];
    this.#former = new Map(former.map((each) => [each.number, each]));
  }

  abstract publish(topic: string, payload: Uint8Array, records: number): Uint8Array;
  abstract receive(bytes: Uint8Array, start: number, end: number): number;
  abstract skim(bytes: Uint8Array, start: number, end: number): boolean;
  /** A request as a message. */
  protected abstract encode(request: object): Uint8Array;

  greeting(): undefined {
    return undefined;
  }

  subscribe(topic: string, number: number, from: "latest" | "earliest"): Uint8Array {
    const former = this.#former.get(number);
    const place = former === undefined ? from : { positions: { 0: { epoch: former.epoch, offset: former.next } } };
    return this.#request({ op: "subscribe", topic, from: place }, topic, number);
  }

  unsubscribe(topic: string, number: number): Uint8Array {
    for (const [subscription, { number: own }] of this.#subscriptions) {
      if (own === number) return this.#request({ op: "unsubscribe", subscription }, topic, number);
    }
    throw new Error(`There is no subscription ${number}.`);
  }

  protected subscription(number: number): RingcastSubscription | undefined {
    return this.#subscriptions.get(number);
  }

  protected nextPublishId(): number {
    return this.#lastPublishId++;
  }

  /** Takes anything but records and plain acknowledgements. */
  protected takeControl(frame: ControlFrame): void {
    switch (frame.op) {
      case "welcome":
        this.sink.ready();
        return;
      case "published":
        this.sink.acknowledged(1);
        return;
      case "subscribed":
        this.#begun(frame);
        return;
      case "unsubscribed":
        this.#subscriptions.delete(frame.subscription ?? 0);
        if (frame.id === undefined) this.sink.failed(`The hub ended a subscription: ${frame.reason ?? "no reason"}.`);
        else this.sink.subscribed();
        return;
      case "gap":
        this.#skip(frame);
        return;
      case "error":
        this.sink.failed(`The hub refused: ${frame.code ?? ""}: ${frame.message ?? ""}`);
        return;
      case "draining":
        this.sink.failed("The hub is going away.");
        return;
      default:
    }
  }

  #request(request: object, topic: string, number: number): Uint8Array {
    const id = ++this.#lastId;
    this.#requests.set(id, { topic, number });
    return this.encode({ ...request, id });
  }

  #begun({ id = 0, subscription = 0, partitions = {} }: ControlFrame): void {
    const request = this.#requests.get(id);
    const place = partitions[0];
    if (request === undefined || place === undefined) {
      this.sink.failed("The hub answered a subscription that nobody asked for.");
      return;
    }
    this.#requests.delete(id);
    this.#subscriptions.set(subscription, { ...request, epoch: place.epoch, next: place.next });
    this.sink.subscribed();
  }

  #skip({ subscription = 0, from = 0, to = 0, epoch = "", next = 0 }: ControlFrame): void {
    const place = this.#subscriptions.get(subscription);
    if (place === undefined) return;
    // With another epoch nobody knows how many are lost; at least it is none.
    this.sink.lost(epoch === place.epoch ? to - from + 1 : 0);
    place.epoch = epoch;
    place.next = next;
  }
}

/** Makes the wire of a dialect. */
export function ringcastWire(
  dialect: "json" | "msgpack",
  options: unknown,
  connect: (sink: Sink, before: WireConnection | undefined) => WireConnection,
): Wire {
  const { token } = (options ?? {}) as RingcastWireOptions;
  const headers = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  return {
    framing: "websocket",
    handshake: { path: "/v1/ws", subprotocol: `ringcast.v1.${dialect}`, headers },
    binary: dialect === "msgpack",
    acknowledges: true,
    connect,
  };
}
