/** MQTT 3.1.1 over WebSocket, QoS 0: publishes are not acknowledged (OASIS standard, chapter 3). A frame may hold several packets, or a part of one. */
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { RestReader } from "./rest.js";
import { Templates } from "./templates.js";

/** First byte of a packet: its type, and the flags that belong to it. */
const PACKET = {
  connect: 0x10,
  connected: 0x20,
  publish: 0x30,
  subscribe: 0x82,
  subscribed: 0x90,
  unsubscribe: 0xa2,
  unsubscribed: 0xb0,
} as const;

/** Without a will, user or password, a clean session, no pings; the server finds a name for the client. */
const CONNECT = packet(PACKET.connect, `${text("MQTT")}\x04\x02\0\0${text("")}`);
const REFUSED = 0x80;
const LARGEST_IDENTIFIER = 0xffff;
const LONGEST_LENGTH = 4;

/** Takes no options. */
export const createWire: CreateWire = (): Wire => ({
  framing: "websocket",
  handshake: { path: "/mqtt", subprotocol: "mqtt" },
  binary: true,
  takesParts: true,
  acknowledges: false,
  connect: (sink) => new MqttConnection(sink),
});

class MqttConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #rest = new RestReader((bytes, start, end) => this.#read(bytes, start, end));
  readonly #templates = new Templates((topic, payloadBytes) => ({
    before: "",
    head: head(PACKET.publish, topic.length + 2 + payloadBytes) + text(topic),
    tail: "",
    after: "",
  }));

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  greeting(): Uint8Array {
    return Buffer.from(CONNECT, "latin1");
  }

  subscribe(topic: string, number: number): Uint8Array {
    return Buffer.from(packet(PACKET.subscribe, `${identifier(number)}${text(topic)}\0`), "latin1");
  }

  unsubscribe(topic: string, number: number): Uint8Array {
    return Buffer.from(packet(PACKET.unsubscribe, identifier(number) + text(topic)), "latin1");
  }

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    return this.#templates.fill(topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    this.#rest.take(bytes, start, end);
    return end;
  }

  #read(bytes: Uint8Array, start: number, end: number): number {
    let records = 0;
    let payload = -1;
    let at = start;
    while (at + 2 <= end) {
      const type = bytes[at]!;
      let body = at + 1;
      let length = 0;
      let shift = 0;
      // The length's last byte is the one without the high bit.
      do {
        length |= (bytes[body]! & 0x7f) << shift;
        shift += 7;
      } while (bytes[body++]! >= 0x80 && body < end && shift < LONGEST_LENGTH * 7);
      if (bytes[body - 1]! >= 0x80 || body + length > end) break;
      if (type === PACKET.publish) {
        payload = this.#rest.isJoined ? -1 : body + 2 + ((bytes[body]! << 8) | bytes[body + 1]!);
        if (this.#sink.isExact) this.#sink.delivered(1, payload);
        else records++;
      } else {
        this.#answer(type, bytes[body + length - 1]!);
      }
      at = body + length;
    }
    if (records > 0) this.#sink.delivered(records, payload);
    return at;
  }

  /** @param code last byte of the packet, which tells whether it is a refusal */
  #answer(type: number, code: number): void {
    if (type === PACKET.connected && code === 0) this.#sink.ready();
    else if (type === PACKET.subscribed && code < REFUSED) this.#sink.subscribed();
    else if (type === PACKET.unsubscribed) this.#sink.subscribed();
    else this.#sink.failed(`MQTT: packet ${type.toString(16)} with code ${code}.`);
  }
}

/** All of it one character a byte. */
function packet(type: number, body: string): string {
  return head(type, body.length) + body;
}

function head(type: number, length: number): string {
  let rest = length;
  let bytes = String.fromCharCode(type);
  do {
    bytes += String.fromCharCode((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function text(value: string): string {
  return String.fromCharCode(value.length >>> 8, value.length & 0xff) + value;
}

/** Any but 0; answers come in the order of what was asked. */
function identifier(number: number): string {
  const value = ((number - 1) % LARGEST_IDENTIFIER) + 1;
  return String.fromCharCode(value >>> 8, value & 0xff);
}
