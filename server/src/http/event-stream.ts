/** One stream of Server-Sent Events: where a reader's frames go. */
import { ANYBODY, type Identity } from "../auth/index.js";
import type { Frame, Outlet, Reader, SendResult, SubscriptionReport } from "../hub/index.js";
import type { ConnectionReport } from "../session/index.js";
import type { Exchange, ResponseStream } from "./exchange.js";

const COMMENT = Buffer.from(":\n\n");

export interface EventStreamOptions {
  readonly id: string;
  readonly identity: Identity;
  readonly remoteAddress: string;
  readonly sinceMs: number;
  readonly stallTimeoutMs: number;
  monotonicMs(): number;
  failed(error: unknown): void;
  /** Bytes wait for the reader: {@link EventStream.checkStall} is to be asked now and then. */
  filled(): void;
  /** No bytes wait any more. */
  emptied(): void;
  /** The stream is over. Called exactly once, if it has begun. */
  closed(): void;
}

/** What a stream is begun with. */
export interface EventStreamStart {
  readonly reader: Reader;
  /** The id that stands for the place where the reader begins, if it should know it before the first event. */
  readonly position: string | undefined;
}

/** A stream as operators see it: a connection that says nothing. */
export type StreamReport = Omit<ConnectionReport, "dialect"> & { readonly dialect: "events" };

export class EventStream implements Outlet {
  readonly #options: EventStreamOptions;
  #response: ResponseStream | undefined;
  #reader: Reader | undefined;
  /** Since when nothing was taken although bytes wait; undefined: the socket takes what comes. */
  #fullSinceMs: number | undefined;
  #waitingBytes = 0;
  #sentBytes = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.id;
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  report(): StreamReport {
    const { id, identity, remoteAddress, sinceMs } = this.#options;
    return {
      id,
      remoteAddress,
      subject: identity === ANYBODY ? undefined : identity.subject,
      dialect: "events",
      since: sinceMs,
      bufferedBytes: this.#response?.bufferedBytes() ?? 0,
      subscriptions: this.#reader?.subscriptionCount ?? 0,
      receivedFrames: 0,
      receivedBytes: 0,
      sentBytes: this.#sentBytes,
      silentMs: 0,
    };
  }

  subscriptionReports(): readonly SubscriptionReport[] {
    return this.#reader?.report() ?? [];
  }

  /** Sends the head at once, by a comment. */
  begin(exchange: Exchange, headers: Readonly<Record<string, string>>, { reader, position }: EventStreamStart): void {
    this.#reader = reader;
    this.#response = exchange.stream(
      { status: 200, headers },
      { drain: () => this.#drained(), closed: () => this.#over() },
    );
    this.#say(position === undefined ? COMMENT : Buffer.from(`:\nid: ${position}\n\n`));
  }

  takeReplies(_frames: Frame[], count: number): number {
    return count;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    const [first] = frames;
    if (count === 1 && first !== undefined && !first.volatile) return this.#write(first.bytes);
    return this.#write(Buffer.concat(frames.slice(0, count).map(({ bytes }) => bytes)));
  }

  /** Everything that was asked for is out: the answer is over. */
  ended(): void {
    this.#response?.end();
  }

  failed(error: unknown): void {
    this.#options.failed(error);
    this.terminate();
  }

  /** A comment, unless the socket is full anyway. */
  keepAlive(): void {
    if (this.#fullSinceMs === undefined) this.#say(COMMENT);
  }

  /** Gives up a reader that has taken nothing for too long. */
  checkStall(): void {
    if (this.#fullSinceMs === undefined) return;
    const nowMs = this.#options.monotonicMs();
    const waiting = this.#response?.bufferedBytes() ?? 0;
    if (waiting < this.#waitingBytes) this.#fullSinceMs = nowMs;
    this.#waitingBytes = waiting;
    if (nowMs - this.#fullSinceMs >= this.#options.stallTimeoutMs) this.terminate();
  }

  /** Ends the stream; its reader is asked to come back after `retryMs`. */
  end(retryMs: number): void {
    this.#reader?.close();
    this.#write(Buffer.from(`retry: ${retryMs}\n\n`));
    this.#response?.end();
  }

  terminate(): void {
    this.#response?.terminate();
  }

  /** Writes something of our own, outside of the flush. */
  #say(bytes: Uint8Array): void {
    if (this.#write(bytes) === "full") this.#reader?.blocked();
  }

  #write(bytes: Uint8Array): SendResult {
    const result = this.#response?.write(bytes) ?? "closed";
    if (result !== "closed") this.#sentBytes += bytes.length;
    if (result === "full" && this.#fullSinceMs === undefined) {
      this.#fullSinceMs = this.#options.monotonicMs();
      this.#waitingBytes = this.#response?.bufferedBytes() ?? 0;
      this.#options.filled();
    }
    return result;
  }

  #drained(): void {
    this.#fullSinceMs = undefined;
    this.#options.emptied();
    this.#reader?.drained();
  }

  #over(): void {
    this.#response = undefined;
    this.#reader?.close();
    this.#options.closed();
  }
}
