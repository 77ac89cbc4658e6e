/** What the raw clients of both dialects share: a socket, frames in line, requests and their replies. Knows `ws` and the wire contract, nothing of the SDK. */
import type {
  ErrorCode,
  Gap,
  Limits,
  OffsetRange,
  PartitionState,
  Position,
  TopicDescription,
  WireMessage,
} from "@ringcast/protocol";
import WebSocket from "ws";
import type { RawRecord } from "./batch-frame.js";
import { FrameLine } from "./frame-line.js";
import { within } from "./until.js";

/**
 * A frame as it came. Every field that any frame may have, so that a test can look at the one it expects; a field that isn't there is undefined.
 */
export interface AnyFrame {
  readonly op: string;
  readonly id: number | string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly subscription: number;
  /** A name, but in the reply to `topic` a description. */
  readonly topic: string & TopicDescription;
  readonly pattern: string;
  readonly partition: number;
  /** By partition number. */
  readonly partitions: Readonly<Record<string, PartitionState>>;
  readonly topics: Readonly<Record<string, Readonly<Record<string, PartitionState>>>>;
  readonly more: boolean;
  readonly epoch: string;
  readonly offset: number;
  readonly offsets: readonly OffsetRange[];
  readonly timestamp: number;
  readonly duplicate: boolean;
  readonly messages: readonly AnyMessage[];
  /** Only of a binary delivery. */
  readonly records: readonly RawRecord[];
  readonly from: number;
  readonly to: number;
  /** A number, but in `history` a position. */
  readonly next: number & Position;
  readonly head: number;
  readonly tail: number;
  readonly gap: Gap;
  readonly time: number;
  readonly limits: Limits;
  readonly protocol: number;
  readonly server: string;
  readonly connection: string;
  readonly instance: string;
  readonly subject: string;
  readonly expires: number | null;
  readonly reconnectAfterMs: number;
}

export type AnyMessage = WireMessage;

export interface ClientOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** How frames of a dialect become bytes and back. */
export interface Wire {
  readonly subprotocol: string;
  encode(frame: object): Uint8Array | string;
  decode(bytes: Buffer): AnyFrame;
}

export class FrameClient implements AsyncDisposable {
  readonly socket: WebSocket;
  /** Its id at the hub, once the `welcome` was taken. */
  connection = "";
  readonly #wire: Wire;
  /** Settles when the connection is gone. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #line = new FrameLine();

  protected constructor(url: string, options: ClientOptions, wire: Wire) {
    this.#wire = wire;
    this.socket = new WebSocket(url, [...(options.protocols ?? [wire.subprotocol])], {
      headers: { ...options.headers },
      perMessageDeflate: false,
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.#line.end();
        resolve({ code, reason: reason.toString() });
      });
    });
    this.socket.on("message", (data: Buffer) => {
      this.#line.push(wire.decode(data));
    });
    // A refused handshake is told by `open`; later errors are followed by `close`.
    this.socket.on("error", () => undefined);
  }

  /** Waits until it is open. Rejects with the handshake's error. */
  protected async opened(): Promise<this> {
    const opened = new Promise<void>((resolve, reject) => {
      this.socket.once("open", () => resolve());
      this.socket.once("error", reject);
    });
    await within("the WebSocket to open", opened);
    return this;
  }

  /** Takes the `welcome`. */
  protected async welcomed(): Promise<this> {
    const welcome = await this.next();
    this.connection = welcome.connection;
    if (welcome.op !== "welcome") throw new Error(`Expected a welcome, got ${JSON.stringify(welcome)}`);
    return this;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** The next frame, whatever it is. */
  next(timeoutMs = 10_000): Promise<AnyFrame> {
    return this.#line.next(timeoutMs);
  }

  /** The next frame with this `op`; others before it are dropped. */
  async nextOf(op: string, timeoutMs?: number): Promise<AnyFrame> {
    for (;;) {
      const frame = await this.next(timeoutMs);
      if (frame.op === op) return frame;
    }
  }

  /** Frames that have arrived and were not taken yet. */
  get waiting(): readonly AnyFrame[] {
    return this.#line.waiting;
  }

  /** @param frame bytes and text go out as they are */
  send(frame: object | string): void {
    this.socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : this.#wire.encode(frame));
  }

  /** Sends a request with a fresh id and takes its reply, success or error; other frames stay in line. */
  request(frame: object, timeoutMs?: number): Promise<AnyFrame> {
    return this.exchange((id) => ({ ...frame, id }), timeoutMs);
  }

  /** Sends what is made for a fresh id and takes the reply to it. */
  exchange(make: (id: number) => object, timeoutMs = 10_000): Promise<AnyFrame> {
    return this.#line.exchange((id) => this.send(make(id)), timeoutMs);
  }

  /** Collects delivered messages, over all frames, until there are `count`; gaps and the like are skipped. */
  async messages(count: number, timeoutMs?: number): Promise<AnyMessage[]> {
    const all: AnyMessage[] = [];
    while (all.length < count) all.push(...(await this.nextOf("messages", timeoutMs)).messages);
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}
