/**
 * A WebSocket of the ws library. ws reads (frames, pings, the closing handshake); the hub's own frames are ready-made and go
 * past it, straight to the network socket. Both write whole frames in one go, so neither ever lands inside one of the other.
 */
import type { Socket as NetSocket } from "node:net";
import { WebSocket } from "ws";
import type { Frame, SendResult, Socket, SocketHandler } from "../../session/socket.js";
import { plainAddress } from "../address.js";
import { closeReason, DISCARD_BYTES, PingMeter } from "../limits.js";
import { wireOf } from "./frame.js";

const EMPTY = Buffer.alloc(0);
const ABNORMAL = 1006;
/** How long a peer that broke the protocol may take to hang up. */
const LAST_WORD_MS = 1_000;

/** What all sockets of a transport share. */
export interface WsSocketShared {
  readonly maxFrameBytes: number;
  readonly open: Set<WsSocket>;
}

/** From the ws library's socket to ours, so that its events need no closure per connection. */
const socketOf = new WeakMap<WebSocket, WsSocket>();

export class WsSocket implements Socket {
  readonly remoteAddress: string;
  readonly #shared: WsSocketShared;
  readonly #library: WebSocket;
  readonly #net: NetSocket;
  #handler: SocketHandler | undefined;
  #closeCode: number | undefined;
  #isWaitingForDrain = false;
  #pings: PingMeter | undefined;
  #isPongDue = false;

  constructor(library: WebSocket, net: NetSocket, shared: WsSocketShared) {
    this.remoteAddress = plainAddress(net.remoteAddress ?? "");
    this.#library = library;
    this.#net = net;
    this.#shared = shared;
    shared.open.add(this);
  }

  /** Whether it was told to close and its peer hasn't answered yet. */
  get isClosing(): boolean {
    return this.#closeCode !== undefined;
  }

  /** Begins to listen to the library. */
  begin(accept: (socket: Socket) => SocketHandler): void {
    socketOf.set(this.#library, this);
    this.#library.on("message", onMessage).on("ping", onPing).on("pong", onPong);
    this.#library.on("error", onError).on("close", onClose);
    this.#handler = accept(this);
  }

  send(frames: readonly Frame[], count: number): SendResult {
    const net = this.#net;
    if (!this.#isOpen()) return "closed";
    net.cork();
    for (let at = 0; at < count; at++) net.write(wireOf(frames[at] as Frame));
    net.uncork();
    if (net.writableLength === 0) return "open";
    this.#waitForDrain();
    return "full";
  }

  bufferedBytes(): number {
    return this.#handler === undefined ? 0 : this.#net.writableLength;
  }

  ping(): void {
    if (!this.#isOpen()) return;
    this.#isPongDue = true;
    this.#library.ping();
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen()) return;
    this.#closeCode = code;
    this.#library.close(code, closeReason(reason));
  }

  terminate(): void {
    this.#closeCode ??= ABNORMAL;
    this.#library.terminate();
  }

  /** The library tells: a message came. */
  received(message: Uint8Array, isBinary: boolean): void {
    this.#stopIfGone();
    if (!this.#isOpen()) return;
    if (message.length > this.#shared.maxFrameBytes) this.#handler?.oversized();
    else this.#handler?.message(message, isBinary);
  }

  /** The library tells: a ping came, and was answered. */
  pinged(): void {
    this.#pings ??= new PingMeter();
    if (!this.#pings.count(performance.now())) this.terminate();
    else if (this.#isOpen()) this.#handler?.alive();
    this.#stopIfGone();
  }

  /** The library tells: a pong came. One that nobody asked for counts like a ping. */
  ponged(): void {
    if (!this.#isPongDue) this.pinged();
    else if (this.#isOpen()) this.#handler?.alive();
    this.#isPongDue = false;
  }

  /**
   * The library tells: the peer broke the protocol, and has been sent a close frame. What it still sends is dropped for a moment: cut with bytes unread,
   * the connection is reset, and the peer never reads why.
   */
  failed(): void {
    const net = this.#net;
    const limit = net.bytesRead + DISCARD_BYTES;
    const timer = setTimeout(() => net.destroy(), LAST_WORD_MS).unref();
    net.once("close", () => clearTimeout(timer));
    net.on("data", () => {
      if (net.bytesRead > limit) net.destroy();
    });
    net.end();
  }

  /** The library tells: gone. */
  gone(code: number): void {
    this.#shared.open.delete(this);
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed(this.#closeCode ?? code);
  }

  /**
   * The library reads a packet to its end, also for a socket that was cut at its beginning: 9,000 pongs more took the loop 4 ms. It looks at this between
   * two frames; where it looks elsewhere one day, that time is lost again, and nothing else.
   */
  #stopIfGone(): void {
    if (!this.#net.destroyed) return;
    const { _receiver: receiver } = this.#library as unknown as { readonly _receiver?: { _loop: boolean } };
    if (receiver !== undefined) receiver._loop = false;
  }

  #isOpen(): boolean {
    return this.#closeCode === undefined && this.#library.readyState === WebSocket.OPEN && this.#net.writable;
  }

  /** Node's own `drain` comes only where much was waiting; an empty write is done when all before it is. */
  #waitForDrain(): void {
    if (this.#isWaitingForDrain) return;
    this.#isWaitingForDrain = true;
    this.#net.write(EMPTY, () => this.#drained());
  }

  #drained(): void {
    this.#isWaitingForDrain = false;
    if (!this.#isOpen()) return;
    if (this.#net.writableLength > 0) this.#waitForDrain();
    else this.#handler?.drain();
  }
}

function onMessage(this: WebSocket, message: WebSocket.RawData, isBinary: boolean): void {
  // `nodebuffer` is what the server's sockets are set to: one Buffer, whatever the fragments were.
  socketOf.get(this)?.received(message as Buffer, isBinary);
}

function onPing(this: WebSocket): void {
  socketOf.get(this)?.pinged();
}

function onPong(this: WebSocket): void {
  socketOf.get(this)?.ponged();
}

function onError(this: WebSocket): void {
  socketOf.get(this)?.failed();
}

function onClose(this: WebSocket, code: number): void {
  socketOf.get(this)?.gone(code);
}
