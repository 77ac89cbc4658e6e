/**
 * What an application protocol looks like to the load generator: how to dial, subscribe and publish, and how to count
 * what comes back without decoding it.
 *
 * One module for each protocol. The generator's threads load it by its URL, so that the protocols of other servers live
 * beside the benchmarks that need them.
 */

/** A module that the generator can load exports this as `createWire`. @param options whatever the plan says, as JSON */
export type CreateWire = (options: unknown) => Wire;

export interface Wire {
  /**
   * `websocket`: the generator does the handshake and takes frames apart. `stream`: the wire sees the bytes as they
   * come.
   */
  readonly framing: "websocket" | "stream";
  /** Path and subprotocols of the handshake, and more header lines without line ends; only with `websocket`. */
  readonly handshake?: { readonly path: string; readonly subprotocol?: string; readonly headers?: readonly string[] };
  /**
   * Frames come in parts, as they are read, and the wire puts its messages together itself: for servers whose frames
   * have no bounds of size or meaning; only with `websocket`.
   * What {@link WireConnection.receive} returns doesn't matter then: the wire keeps what is left.
   */
  readonly takesParts?: boolean;
  /** Whether messages go out as binary frames; only with `websocket`. */
  readonly binary?: boolean;
  /** Whether the server answers each publish with something that {@link Sink.acknowledged} can be told. */
  readonly acknowledges: boolean;
  /**
   * Begins a connection.
   *
   * @param before the one that was cut off, in whose place this one comes: the same subscriptions follow under the same
   * numbers, and go on where it was if the protocol can do that
   */
  connect(sink: Sink, before?: WireConnection): WireConnection;
}

/**
 * One connection's side of a protocol. What its methods return is one message of the framing (a frame, or bytes of the
 * stream), ready but for the WebSocket header and mask;
 * it is copied before the next call, which may use the same memory.
 */
export interface WireConnection {
  /**
   * What is sent as soon as the connection is there (behind the handshake, with `websocket`). Undefined: the server
   * speaks first. {@link Sink.ready} tells when it is over.
   */
  greeting(): Uint8Array | undefined;
  /** @param number of this subscription on this connection, from 1 on */
  subscribe(topic: string, number: number, from: "latest" | "earliest"): Uint8Array;
  unsubscribe(topic: string, number: number): Uint8Array;
  /**
   * Publishes `records` records with this same payload, as one publish if the protocol knows batches. The payload is
   * the generator's: sent time first ({@link PAYLOAD_TIME_BYTES}),
   * the rest filler, letters and digits only. The same array comes again with another time: nothing of it is kept.
   */
  publish(topic: string, payload: Uint8Array, records: number): Uint8Array;
  /**
   * Takes what came: with `websocket` exactly one message, with `stream` whatever is there.
   * @returns place behind the last byte that was used up; what is left of a stream comes again with more behind it
   */
  receive(bytes: Uint8Array, start: number, end: number): number;
  /**
   * With `websocket`, where it pays: takes the beginning of a message that isn't whole yet, if all that counts stands
   * there. Large messages needn't be put together then.
   * @returns whether it was taken: then neither the rest nor the whole of it comes to {@link receive}
   */
  skim?(bytes: Uint8Array, start: number, end: number): boolean;
}

/** What a wire tells the generator while it reads. */
export interface Sink {
  /** The connection can be used. */
  ready(): void;
  /** The oldest subscription (or end of one) that waits for its answer is in force. */
  subscribed(): void;
  /** The `publishes` oldest ones that wait are acknowledged. */
  acknowledged(publishes: number): void;
  /**
   * Records were delivered, one behind the other. Where latencies are measured ({@link Sink.isExact}) each is told by
   * itself.
   * @param payload place of a payload of theirs in the bytes being read, -1 where it is not known
   */
  delivered(records: number, payload: number): void;
  /** The server said that records will not come any more. */
  lost(records: number): void;
  /** Whether the time of every single record is wanted. */
  readonly isExact: boolean;
  /** To be sent back at once: a pong of the protocol, an acknowledgement. */
  reply(message: Uint8Array): void;
  /** The server has refused something, or what came can't be understood: the run is worth nothing. */
  failed(reason: string): void;
}

/**
 * Payloads begin with the moment at which they were to be sent: {@link PAYLOAD_TIME_BYTES} hexadecimal digits (lower
 * case) of microseconds of the machine's monotonic clock
 * (`process.hrtime`), which all processes share. Digits, because some protocols carry text only.
 */
export const PAYLOAD_TIME_BYTES = 14;
