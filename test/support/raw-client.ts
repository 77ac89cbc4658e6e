/** A TCP client that sends what no decent library would, and reads only when told to. */
import { connect, type Socket } from "node:net";
import { within } from "./until.js";

export class RawClient implements Disposable {
  isClosed = false;
  chunks = 0;
  /** Joined only when somebody asks: much may come. */
  #pieces: Buffer[] = [];
  /** Those who wait for something to come, or for the end. */
  #waiting: (() => void)[] = [];

  constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.chunks++;
      this.#pieces.push(chunk);
      this.#wake();
    });
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
    socket.on("error", () => {});
  }

  get received(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }

  set received(bytes: Buffer) {
    this.#pieces = [bytes];
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  async closed(timeoutMs = 15_000): Promise<void> {
    await this.when("the connection is closed", () => this.isClosed, timeoutMs);
  }

  async reads(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await this.when(`${pattern} is read`, () => {
      match = pattern.exec(this.text);
      return match !== null;
    });
    return match as unknown as RegExpExecArray;
  }

  /** Looks at each piece that comes, and at the end, whether a condition holds. */
  async when(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
    const holds = async (): Promise<void> => {
      while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    };
    const soFar = (): string => JSON.stringify(this.text.slice(0, 500));
    await within(what, holds(), timeoutMs).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; so far ${soFar()}`);
    });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export async function dial(port: number): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return new RawClient(socket);
}

/** Sends one request over a connection of its own and reads until the server closes or answers. */
export async function ask(port: number, request: string): Promise<{ status: number; text: string; body: string }> {
  using client = await dial(port);
  client.send(request);
  await client.when("an answer is read", () => /\r\n\r\n/.test(client.text) || client.isClosed);
  const { text } = client;
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text, body: text.split("\r\n\r\n")[1] ?? "" };
}

/** The head of a handshake; headers given replace those of the same name, `undefined` leaves one out. */
export function handshakeHead(headers: Readonly<Record<string, string | undefined>> = {}, line = "GET /v1/ws"): string {
  const all: Record<string, string | undefined> = {
    Host: "hub",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `${line} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** A connection on which the handshake is done, with nothing of it left in `received`. */
export async function dialWebSocket(
  port: number,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<RawClient> {
  const client = await dial(port);
  client.send(handshakeHead(headers));
  const [head] = await client.reads(/^HTTP\/1\.1 101 [\s\S]*?\r\n\r\n/);
  client.received = client.received.subarray(head.length);
  return client;
}

export interface FrameBits {
  readonly fin?: boolean;
  readonly opcode: number;
  readonly rsv?: number;
  readonly isMasked?: boolean;
}

/** A client's frame with any header. */
export function maskedFrame(bits: FrameBits, payload: Uint8Array | string = ""): Buffer {
  const data = Buffer.from(payload);
  const first = (bits.fin === false ? 0 : 0x80) | ((bits.rsv ?? 0) << 4) | bits.opcode;
  const maskBit = bits.isMasked === false ? 0 : 0x80;
  const length = data.length < 126 ? [data.length] : data.length < 65_536 ? [126] : [127];
  const head = [first, maskBit | (length[0] as number)];
  const extended = Buffer.alloc(data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(data.length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(data.length));
  const mask = Buffer.from([1, 2, 3, 4]);
  if (bits.isMasked === false) return Buffer.concat([Buffer.from(head), extended, data]);
  const masked = data.map((byte, at) => byte ^ (mask[at % 4] as number));
  return Buffer.concat([Buffer.from(head), extended, mask, masked]);
}

/** Takes apart what a server sent: whole frames only. */
export function readFrames(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    let length = (bytes[at + 1] as number) & 0x7f;
    let headBytes = 2;
    if (at + (length === 126 ? 4 : length === 127 ? 10 : 2) > bytes.length) break;
    if (length === 126) [length, headBytes] = [bytes.readUInt16BE(at + 2), 4];
    else if (length === 127) [length, headBytes] = [Number(bytes.readBigUInt64BE(at + 2)), 10];
    if (at + headBytes + length > bytes.length) break;
    frames.push({
      opcode: (bytes[at] as number) & 0x0f,
      payload: bytes.subarray(at + headBytes, at + headBytes + length),
    });
    at += headBytes + length;
  }
  return frames;
}
