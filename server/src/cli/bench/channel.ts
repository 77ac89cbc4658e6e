/** One connection to a server: TCP or TLS, the WebSocket handshake, frames in both directions. */
import { randomBytes } from "node:crypto";
import { connect as connectTcp, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FrameReader, MAX_HEAD_BYTES, OPCODE, writeHead, type FrameHandler } from "./frames.js";
import type { Rest, ThreadIo } from "./io.js";
import type { Target } from "./plan.js";
import type { Wire } from "./wire.js";

/**
 * Loopback addresses to dial from in turn: one has only some 28,000 ports, and those of closed connections rest for a
 * minute.
 */
const SOURCES = 16;
const HEAD_END = Buffer.from("\r\n\r\n");
const SHOWN_ANSWER = 300;

/** What a channel tells. */
export interface ChannelHandler {
  /** The handshake is over. */
  open(): void;
  /**
   * With `websocket` one message, with `stream` what is there. @returns place behind what was used up; of a message
   * that is all
   */
  receive(bytes: Uint8Array, start: number, end: number): number;
  /** @see FrameHandler.skim */
  skim(bytes: Uint8Array, start: number, end: number): boolean;
  /** A read was taken apart. */
  settled(): void;
  /** The socket takes more again. */
  drained(): void;
  /** The connection is gone, and not because it was ended here. */
  gone(reason: string): void;
}

export class Channel implements FrameHandler {
  readonly #io: ThreadIo;
  readonly #wire: Wire;
  readonly #handler: ChannelHandler;
  readonly #socket: Socket;
  readonly #frames: FrameReader | undefined;
  readonly #opcode: number;
  #rest: Rest | undefined;
  #state: "dialling" | "open" | "ended" = "dialling";

  /** Dials. @param number of the connection, which decides where it dials from */
  constructor(io: ThreadIo, wire: Wire, target: Target, number: number, handler: ChannelHandler) {
    this.#io = io;
    this.#wire = wire;
    this.#handler = handler;
    this.#frames = wire.framing === "websocket" ? new FrameReader(wire) : undefined;
    this.#opcode = wire.binary === true ? OPCODE.binary : OPCODE.text;
    const onread: OnReadOpts = { buffer: io.readPart, callback: (length) => this.#read(length) };
    this.#socket = dial(target, number, onread);
    this.#socket.on(target.tls === true ? "secureConnect" : "connect", () => this.#connected(target));
    this.#socket.on("drain", () => handler.drained());
    this.#socket.on("error", (error) => this.#lose(error.message));
    this.#socket.on("end", () => this.#lose("The server ended the connection."));
    this.#socket.on("close", () => this.#lose("The connection broke."));
  }

  /** Whether the socket holds bytes that the kernel didn't take. */
  get isFull(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Adds a message to the output. */
  send(message: Uint8Array): void {
    const { output } = this.#io;
    const length = message.length;
    let at = output.reserve(this.#socket, length + MAX_HEAD_BYTES);
    if (this.#frames !== undefined) at = writeHead(output.memory, at, this.#opcode, length);
    output.memory.set(message, at);
    output.advance(at + length);
  }

  /** Reads no more until {@link resume}. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the connection by a reset where the platform can, which leaves no port behind that has to rest. */
  cut(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    if ("encrypted" in this.#socket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    this.#handler.receive(bytes, start, end);
  }

  skim(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#handler.skim(bytes, start, end);
  }

  control(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === OPCODE.ping) {
      const { output } = this.#io;
      const at = output.reserve(this.#socket, end - start + MAX_HEAD_BYTES);
      const body = writeHead(output.memory, at, OPCODE.pong, end - start);
      output.memory.set(bytes.subarray(start, end), body);
      output.advance(body + end - start);
    } else if (opcode === OPCODE.close) {
      const code = end - start >= 2 ? `${((bytes[start] as number) << 8) | (bytes[start + 1] as number)} ` : "";
      const reason = Buffer.from(bytes.subarray(Math.min(end, start + 2), end)).toString();
      this.#lose(`The server closed the connection: ${code}${reason}`.trim());
    }
  }

  broken(reason: string): void {
    this.#lose(reason);
  }

  #connected(target: Target): void {
    if (this.#frames === undefined) this.#open();
    else this.#socket.write(handshakeOf(this.#wire, target));
  }

  #open(): void {
    this.#state = "open";
    this.#handler.open();
    this.#io.output.flush();
  }

  #read(length: number): boolean {
    const { bytes, readAt } = this.#io;
    const end = readAt + length;
    let start = readAt;
    if (this.#rest !== undefined) {
      start = this.#io.restore(this.#rest);
      this.#rest = undefined;
    }
    const used = this.#take(bytes, start, end);
    if (this.#state === "ended") return true;
    if (used < end) {
      this.#rest = this.#io.keep(used, end);
      if (this.#rest === undefined) this.#lose("The server sent a message of more than 8 MiB.");
    }
    this.#io.output.flush();
    this.#handler.settled();
    return true;
  }

  #take(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#frames === undefined) return this.#handler.receive(bytes, at, end);
    if (this.#state === "dialling") {
      at = this.#takeAnswer(bytes, start, end);
      if (at === start) return at;
      this.#open();
    }
    return this.#frames.read(bytes, at, end, this);
  }

  /** The answer to the handshake. @returns where frames begin; `start` as long as it isn't whole */
  #takeAnswer(bytes: Uint8Array, start: number, end: number): number {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    const headEnd = text.indexOf(HEAD_END);
    if (headEnd === -1) return start;
    if (!text.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) {
      const answer = text.toString("utf8").slice(0, SHOWN_ANSWER).replace(/\s+/g, " ");
      this.#lose(`The server refused the handshake: ${answer}`);
      return start;
    }
    return start + headEnd + HEAD_END.length;
  }

  #lose(reason: string): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#socket.destroy();
    this.#handler.gone(reason);
  }
}

/** The same for all connections of a wire: nobody here is deceived by a key that comes again. */
const handshakes = new WeakMap<Wire, Buffer>();

function handshakeOf(wire: Wire, { host, port }: Target): Buffer {
  const known = handshakes.get(wire);
  if (known !== undefined) return known;
  const { path, subprotocol, headers = [] } = wire.handshake ?? { path: "/" };
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host.includes(":") ? `[${host}]` : host}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...headers,
  ];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  handshakes.set(wire, bytes);
  return bytes;
}

function dial({ host, port, tls = false, verify = true }: Target, number: number, onread: OnReadOpts): Socket {
  const isLoopback = host === "127.0.0.1" && process.platform === "linux";
  const source = isLoopback ? { localAddress: `127.0.0.${1 + (number % SOURCES)}` } : {};
  if (!tls) return connectTcp({ host, port, onread, noDelay: true, ...source });
  // The types know nothing of onread here; the documentation of tls.connect does.
  const options = { host, port, onread, noDelay: true, rejectUnauthorized: verify, ...source };
  return connectTls(options);
}
