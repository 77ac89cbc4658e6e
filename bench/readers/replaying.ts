/**
 * Many replays in one process that looks at nothing but the frames' `next`: prints one line of JSON at the end.
 *
 *   node --import tsx bench/readers/replaying.ts <port> <topic> <json|msgpack> <connections> <offset>
 *
 * `offset` is where a replay is over. Also ends when its standard input does.
 */
import { connect, type Socket } from "node:net";

const [port = "", topic = "", dialect = "", connections = "", target = ""] = process.argv.slice(2);
const HEAD_BYTES = 256;
const JSON_NEXT = /"next":(\d+)/;
const OPCODE_PING = 9;

const began = performance.now();
let bytes = 0;
let done = 0;
let records = 0;

class Replay {
  readonly #socket: Socket;
  /** Head of the frame that is coming, WebSocket header included. */
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headLength = 0;
  /** Bytes of it that are still to come; -1: its length isn't known yet. */
  #left = -1;
  #isUp = false;
  #next = 0;

  constructor() {
    this.#socket = connect(Number(port), "127.0.0.1").setNoDelay();
    this.#socket.write(
      `GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Protocol: ringcast.v1.${dialect}\r\n\r\n`,
    );
    this.#socket.on("data", (chunk) => this.#take(chunk));
    this.#socket.on("error", () => undefined);
  }

  #take(chunk: Buffer): void {
    bytes += chunk.length;
    let at = 0;
    if (!this.#isUp) {
      at = chunk.indexOf("\r\n\r\n") + 4;
      this.#isUp = true;
      this.#socket.write(maskedFrame(subscribeFrame()));
    }
    while (at < chunk.length) at = this.#takeFrame(chunk, at);
  }

  /** @returns where the next piece begins */
  #takeFrame(chunk: Buffer, at: number): number {
    const kept = Math.min(HEAD_BYTES - this.#headLength, chunk.length - at);
    chunk.copy(this.#head, this.#headLength, at, at + kept);
    if (this.#left < 0) {
      const size = frameSize(this.#head, this.#headLength + kept);
      if (size < 0) {
        this.#headLength += kept;
        return at + kept;
      }
      this.#left = size - this.#headLength;
    }
    const part = Math.min(this.#left, chunk.length - at);
    this.#headLength += Math.min(kept, part);
    this.#left -= part;
    if (this.#left === 0) this.#look();
    return at + part;
  }

  #look(): void {
    const head = this.#head.subarray(0, this.#headLength);
    this.#headLength = 0;
    this.#left = -1;
    if (((head[0] ?? 0) & 15) === OPCODE_PING) return void this.#socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    const next = nextOf(head);
    if (next < 0) return;
    records += next - this.#next;
    this.#next = next;
    if (next < Number(target)) return;
    this.#socket.destroy();
    if (++done === Number(connections)) report();
  }
}

function subscribeFrame(): Buffer {
  const request = { op: "subscribe", id: 1, topic, from: "earliest" };
  if (dialect === "json") return Buffer.from(JSON.stringify(request));
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from([0xd9, Buffer.byteLength(value)]), Buffer.from(value)]);
  const entries = Object.entries(request).flatMap(([name, value]) => [
    text(name),
    typeof value === "number" ? Buffer.from([value]) : text(value),
  ]);
  return Buffer.concat([Buffer.from([0x84]), ...entries]);
}

/** A masked frame (mask 0, which leaves the bytes as they are). */
function maskedFrame(payload: Buffer): Buffer {
  if (payload.length > 125) throw new Error("Only short requests are sent here");
  const opcode = dialect === "json" ? 0x81 : 0x82;
  return Buffer.concat([Buffer.from([opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** Bytes of a whole frame; -1 while its header isn't whole. */
function frameSize(head: Buffer, length: number): number {
  if (length < 2) return -1;
  const short = (head[1] ?? 0) & 127;
  if (short < 126) return 2 + short;
  if (short === 126) return length < 4 ? -1 : 4 + head.readUInt16BE(2);
  return length < 10 ? -1 : 10 + Number(head.readBigUInt64BE(2));
}

/** The offset after a delivery; -1 for any other frame. */
function nextOf(head: Buffer): number {
  const short = (head[1] ?? 0) & 127;
  const payload = head.subarray(short < 126 ? 2 : short === 126 ? 4 : 10);
  if (dialect === "msgpack") return payload[0] === 0xc1 ? Number(payload.readBigUInt64LE(16)) : -1;
  const text = payload.toString("latin1");
  return text.startsWith('{"op":"messages"') ? Number(JSON_NEXT.exec(text)?.[1] ?? -1) : -1;
}

function report(): void {
  const seconds = (performance.now() - began) / 1_000;
  console.log(JSON.stringify({ done, bytes, records, seconds }));
  process.exit(0);
}

for (let n = 0; n < Number(connections); n++) new Replay();
process.stdin.on("end", report).resume();
