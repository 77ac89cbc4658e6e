/**
 * A subscriber that costs its process next to nothing, so that there can be thousands: it walks the WebSocket frames of a plain TCP socket and looks only
 * at the head of each delivery. JSON dialect, one subscription, one partition.
 */
import { connect, type Socket } from "node:net";

const LOOKED_AT_BYTES = 256;
const DELIVERY = /^\{"op":"messages".*?"next":(\d+),"messages":\[(?:\{"offset":(\d+))?/;
const SUBSCRIBED = /^\{"op":"subscribed".*?"epoch":"([^"]+)","next":(\d+),"tail":\d+,"head":(\d+)/;
const GAP = /^\{"op":"gap"/;
const DRAINING = /^\{"op":"draining"/;

const CLOSE = 8;
const PING = 9;
/** Empty and masked. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

/** Where the next record stands. */
export interface RawPosition {
  readonly epoch: string;
  readonly offset: number;
}

export class RawSubscriber {
  /** Offset after the newest record received. */
  next = 0;
  epoch = "";
  /** Offset at which the hub began. */
  begin = 0;
  /** Head of the partition when it was subscribed to. */
  head = 0;
  gaps = 0;
  /** Deliveries that did not begin where the one before had ended. */
  breaks = 0;
  /** Whether the hub has said that it is going away. */
  isDrained = false;
  receivedBytes = 0;
  /** Called after each delivery. */
  onDelivery: (() => void) | undefined;
  /** Called when the connection is gone, unless it was closed here. Without it that is an error. */
  onLost: (() => void) | undefined;
  #header = Buffer.alloc(0);
  #payloadLeft = 0;
  #opcode = 0;
  #head = "";

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#isClosing) return;
      if (this.onLost === undefined) throw new Error("The hub closed a subscriber's connection");
      this.onLost();
    });
  }

  /** Connects, subscribes to `topic` from its head, or from a position, and waits for `subscribed`. Rejects when the connection ends before. */
  static async subscribe(port: number, topic: string, position?: RawPosition): Promise<RawSubscriber> {
    const socket = connect(port, "127.0.0.1").setNoDelay();
    const failed = new Promise<never>((_, reject) => {
      socket.once("error", reject).once("close", () => reject(new Error("The connection ended before `subscribed`")));
    });
    failed.catch(() => undefined);
    await Promise.race([failed, new Promise((resolve) => socket.once("connect", resolve))]);
    socket.write(
      `GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Protocol: ringcast.v1.json\r\n\r\n",
    );
    await Promise.race([failed, seen(socket, "\r\n\r\n")]);
    const subscriber = new RawSubscriber(socket);
    subscriber.onLost = () => undefined;
    const subscribed = new Promise<void>((resolve) => (subscriber.#onSubscribed = resolve));
    const from = position === undefined ? {} : { from: { positions: { "0": position } } };
    socket.write(textFrame(JSON.stringify({ op: "subscribe", id: 1, topic, ...from })));
    await Promise.race([failed, subscribed]);
    subscriber.onLost = undefined;
    return subscriber;
  }

  #onSubscribed: (() => void) | undefined;
  #isClosing = false;

  /** Stops reading: the kernel's buffers fill, then the hub's gate closes. */
  stall(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.#isClosing = true;
    this.socket.destroy();
  }

  /** As a network does that breaks: both sides are reset. */
  cut(): void {
    this.socket.resetAndDestroy();
  }

  #take(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft === 0) {
        const rest: Buffer =
          this.#header.length > 0 ? Buffer.concat([this.#header, chunk.subarray(at)]) : chunk.subarray(at);
        const size = headerSize(rest);
        if (size === undefined) {
          this.#header = Buffer.from(rest);
          return;
        }
        at += size - this.#header.length;
        this.#header = Buffer.alloc(0);
        this.#payloadLeft = payloadLength(rest);
        this.#opcode = (rest[0] as number) & 0x0f;
        this.#head = "";
        if (this.#payloadLeft === 0) this.#look();
        continue;
      }
      const part = Math.min(this.#payloadLeft, chunk.length - at);
      if (this.#head.length < LOOKED_AT_BYTES) {
        this.#head += chunk.toString("latin1", at, at + Math.min(part, LOOKED_AT_BYTES));
      }
      at += part;
      this.#payloadLeft -= part;
      if (this.#payloadLeft === 0) this.#look();
    }
  }

  #look(): void {
    if (this.#opcode === PING) {
      this.socket.write(PONG);
      return;
    }
    if (this.#opcode === CLOSE) {
      this.socket.destroy();
      return;
    }
    const delivery = DELIVERY.exec(this.#head);
    if (delivery !== null) {
      const [, next, first] = delivery;
      if (first !== undefined && Number(first) !== this.next) this.breaks++;
      this.next = Number(next);
      this.onDelivery?.();
    } else if (GAP.test(this.#head)) {
      this.gaps++;
    } else if (DRAINING.test(this.#head)) {
      this.isDrained = true;
    } else {
      const [, epoch, next, head] = SUBSCRIBED.exec(this.#head) ?? [];
      if (epoch === undefined) return;
      [this.epoch, this.begin, this.head] = [epoch, Number(next), Number(head)];
      this.next = this.begin;
      this.#onSubscribed?.();
    }
  }
}

/** Size of a server's frame header, undefined while it isn't whole. */
function headerSize(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const length = (bytes[1] as number) & 0x7f;
  const size = length < 126 ? 2 : length === 126 ? 4 : 10;
  return bytes.length < size ? undefined : size;
}

function payloadLength(bytes: Buffer): number {
  const length = (bytes[1] as number) & 0x7f;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
}

/** A masked text frame (mask 0, which leaves the bytes as they are). */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length > 65_535) throw new Error("Only short requests are sent here");
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([0x81, ...size, 0, 0, 0, 0]), payload]);
}

async function seen(socket: Socket, mark: string): Promise<void> {
  let text = "";
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      await new Promise<void>((resolve) => socket.once("readable", () => resolve()));
      continue;
    }
    text += chunk.toString("latin1");
    const end = text.indexOf(mark);
    if (end < 0) continue;
    // The welcome may have come in the same packet; it is put back for the reader.
    const rest = Buffer.from(text.slice(end + mark.length), "latin1");
    socket.removeAllListeners("readable");
    if (rest.length > 0) socket.unshift(rest);
    return;
  }
}
