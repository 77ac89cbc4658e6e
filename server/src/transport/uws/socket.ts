/**
 * A WebSocket of uWebSockets.js.
 *
 * uWebSockets.js copies what the kernel didn't take, so frames may lie in memory that is overwritten later. Its cork
 * buffer has 16 KiB: what fits is corked (several frames, one write), a larger frame is sent uncorked (header and
 * frame in one write, nothing copied).
 */
import type * as uWebSockets from "uWebSockets.js";
import type { Frame, SendResult, Socket, SocketHandler } from "../../session/socket.js";
import { CLOSE_TIMEOUT_MS, closeReason, PingMeter } from "../limits.js";
import type { HandshakeAnswer } from "../port.js";

export interface UwsUserData {
  readonly socket: UwsSocket;
}

type NativeSocket = uWebSockets.WebSocket<UwsUserData>;

/** What fits into the cork buffer beside the headers of the frames. */
const CORK_BYTES = 16 * 1024 - 64;
/** A frame's header is this at most when a server sends it. */
const FRAME_HEADER_BYTES = 10;
/** uWebSockets.js has sent the frame, or put it into the cork buffer. */
const TAKEN = 1;
/** uWebSockets.js has thrown the frame away: over `maxBackpressure`. */
const DROPPED = 2;
const ABNORMAL = 1006;

/** The answer to a handshake that was accepted. */
type Accepted = Extract<HandshakeAnswer, { readonly accept: true }>;

/** What all sockets of a transport share. */
export interface UwsSocketShared {
  readonly maxFrameBytes: number;
  readonly maxBufferedBytes: number;
  /** Sockets that wait for their peer to read before the close frame is sent. */
  readonly closing: Set<UwsSocket>;
}

export class UwsSocket implements Socket {
  readonly remoteAddress: string;
  readonly #shared: UwsSocketShared;
  #accepted: Accepted | undefined;
  #native: NativeSocket | undefined;
  #handler: SocketHandler | undefined;
  #closing: { readonly code: number; readonly reason: string; readonly timer: NodeJS.Timeout } | undefined;
  #closeCode: number | undefined;
  #pings: PingMeter | undefined;
  #isPongDue = false;
  /** Inside of {@link received} or {@link opened}: the library has corked the socket, in the latter behind its answer to the handshake. */
  #isReceiving = false;

  /** Made with the handshake; {@link opened} follows. */
  constructor(remoteAddress: string, shared: UwsSocketShared, accepted: Accepted) {
    this.remoteAddress = remoteAddress;
    this.#shared = shared;
    this.#accepted = accepted;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    const native = this.#native;
    if (native === undefined || this.#closing !== undefined) return "closed";
    if (!sendAll(native, frames, count)) {
      this.terminate();
      return "closed";
    }
    return native.getBufferedAmount() > 0 ? "full" : "open";
  }

  /** What is sent here leaves with all else that the library's cork holds, in one write. */
  sendWithin(bytes: Uint8Array, isBinary: boolean): SendResult | undefined {
    if (!this.#isReceiving) return undefined;
    const native = this.#native;
    if (native === undefined || this.#closing !== undefined) return "closed";
    const status = native.send(bytes, isBinary);
    if (status === TAKEN) return "open";
    if (status !== DROPPED) return "full";
    this.terminate();
    return "closed";
  }

  bufferedBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0;
  }

  ping(): void {
    this.#isPongDue = true;
    this.#native?.ping();
  }

  close(code: number, reason: string): void {
    const native = this.#native;
    if (native === undefined || this.#closing !== undefined) return;
    if (native.getBufferedAmount() === 0) {
      this.#end(code, reason);
      return;
    }
    // After end() there is no handle left: a peer that never reads again would keep its bytes here for ever.
    const timer = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref();
    this.#closing = { code, reason, timer };
    this.#shared.closing.add(this);
  }

  terminate(): void {
    this.#closeCode ??= this.#closing?.code ?? ABNORMAL;
    this.#native?.close();
  }

  /** The library tells: open. */
  opened(native: NativeSocket): void {
    this.#native = native;
    this.#isReceiving = true;
    this.#handler = this.#accepted?.open(this);
    this.#isReceiving = false;
    this.#accepted = undefined;
  }

  /** The library tells: a message came. */
  received(message: ArrayBuffer, isBinary: boolean): void {
    if (this.#native === undefined || this.#closing !== undefined) return;
    this.#isReceiving = true;
    if (message.byteLength > this.#shared.maxFrameBytes) this.#handler?.oversized();
    else this.#handler?.message(new Uint8Array(message), isBinary);
    this.#isReceiving = false;
  }

  /** The library tells: a ping came, and was answered. */
  pinged(): void {
    this.#pings ??= new PingMeter();
    const isFlood = !this.#pings.count(performance.now()) || this.bufferedBytes() > 2 * this.#shared.maxBufferedBytes;
    if (isFlood) this.terminate();
    else if (this.#closing === undefined) this.#handler?.alive();
  }

  /** The library tells: a pong came. One that nobody asked for counts like a ping. */
  ponged(): void {
    if (!this.#isPongDue) this.pinged();
    else if (this.#closing === undefined) this.#handler?.alive();
    this.#isPongDue = false;
  }

  /** The library tells: the kernel took something. */
  drained(): void {
    if (this.#native === undefined || this.#native.getBufferedAmount() > 0) return;
    if (this.#closing === undefined) this.#handler?.drain();
    else this.#end(this.#closing.code, this.#closing.reason);
  }

  /** The library tells: gone. Called inside `end` and `close` of the library too, so the handler hears of it a little later. */
  gone(code: number): void {
    if (this.#native === undefined) return;
    this.#native = undefined;
    if (this.#closing !== undefined) clearTimeout(this.#closing.timer);
    this.#shared.closing.delete(this);
    const handler = this.#handler;
    const closeCode = this.#closeCode ?? code;
    this.#handler = undefined;
    queueMicrotask(() => handler?.closed(closeCode));
  }

  #end(code: number, reason: string): void {
    this.#closeCode = code;
    this.#native?.end(code, closeReason(reason));
  }
}

/** @returns whether nothing was dropped */
function sendAll(native: NativeSocket, frames: readonly Frame[], count: number): boolean {
  let isKept = true;
  let from = 0;
  while (from < count) {
    const to = endOfCork(frames, from, count);
    if (to - from === 1) isKept = sendOne(native, frames[from] as Frame) && isKept;
    else isKept = sendCorked(native, frames, from, to) && isKept;
    from = to;
  }
  return isKept;
}

function sendOne(native: NativeSocket, frame: Frame): boolean {
  return native.send(frame.bytes, frame.binary) !== DROPPED;
}

/** Where the run of frames ends that go into the cork buffer together, at least one. */
function endOfCork(frames: readonly Frame[], from: number, count: number): number {
  let bytes = 0;
  let to = from;
  while (to < count) {
    bytes += (frames[to] as Frame).bytes.length + FRAME_HEADER_BYTES;
    if (bytes > CORK_BYTES) break;
    to++;
  }
  return Math.max(to, from + 1);
}

// cork() wants a function without arguments. One for all sockets, fed through these, spares a closure per send.
let corkedSocket: NativeSocket | undefined;
let corkedFrames: readonly Frame[] = [];
let corkedFrom = 0;
let corkedTo = 0;
let corkedKept = true;

function sendCorked(native: NativeSocket, frames: readonly Frame[], from: number, to: number): boolean {
  corkedSocket = native;
  corkedFrames = frames;
  corkedFrom = from;
  corkedTo = to;
  corkedKept = true;
  native.cork(writeCorked);
  corkedSocket = undefined;
  corkedFrames = [];
  return corkedKept;
}

function writeCorked(): void {
  if (corkedSocket === undefined) return;
  for (let at = corkedFrom; at < corkedTo; at++) {
    if (!sendOne(corkedSocket, corkedFrames[at] as Frame)) corkedKept = false;
  }
}
