/** Socket.IO 4 over its WebSocket transport alone: packets of Engine.IO (version 4) around those of Socket.IO (version 5), all of them text. */
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { Templates } from "./templates.js";

interface Options {
  /** `echo`: publishes are acknowledged, and go nowhere. */
  readonly ability: string;
}

/** First characters: Engine.IO's kinds of packets, and behind a message (`4`) those of Socket.IO. */
const ENGINE = { open: 0x30, ping: 0x32, message: 0x34 } as const;
const PACKET = { connect: 0x30, event: 0x32, acknowledgement: 0x33 } as const;
/** Numbers under which the client wants its acknowledgements. */
const PUBLISHED = 0x30;

const QUOTE = 0x22;
/** `42["m","` stands before the topic of a delivery. */
const TOPIC_AT = 8;
/** `","` stands between topic and payload. */
const SEPARATOR_BYTES = 3;

/** @param options whether publishes are acknowledged (`echo`) */
export const createWire: CreateWire = (options): Wire => {
  const isEcho = (options as Options).ability === "echo";
  return {
    framing: "websocket",
    handshake: { path: "/socket.io/?EIO=4&transport=websocket" },
    binary: false,
    acknowledges: isEcho,
    connect: (sink) => new SocketIoConnection(sink, isEcho),
  };
};

class SocketIoConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #templates: Templates;

  constructor(sink: Sink, isEcho: boolean) {
    this.#sink = sink;
    this.#templates = new Templates((topic) => ({
      before: `42${isEcho ? '0["e"' : '["p"'},"${topic}"`,
      head: ',"',
      tail: '"',
      after: "]",
    }));
  }

  greeting(): undefined {
    return undefined;
  }

  subscribe(topic: string): Uint8Array {
    return Buffer.from(`421["s","${topic}"]`);
  }

  unsubscribe(topic: string): Uint8Array {
    return Buffer.from(`421["u","${topic}"]`);
  }

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    return this.#templates.fill(topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    const type = bytes[start];
    if (type === ENGINE.message) this.#packet(bytes, start, end);
    else if (type === ENGINE.open) this.#sink.reply(Buffer.from("40"));
    else if (type === ENGINE.ping) this.#sink.reply(Buffer.from("3"));
    else this.#refuse(bytes, start, end);
    return end;
  }

  #packet(bytes: Uint8Array, start: number, end: number): void {
    switch (bytes[start + 1]) {
      case PACKET.event:
        this.#sink.delivered(1, this.#sink.isExact ? payloadOf(bytes, start) : -1);
        break;
      case PACKET.acknowledgement:
        if (bytes[start + 2] === PUBLISHED) this.#sink.acknowledged(1);
        else this.#sink.subscribed();
        break;
      case PACKET.connect:
        this.#sink.ready();
        break;
      default:
        this.#refuse(bytes, start, end);
    }
  }

  #refuse(bytes: Uint8Array, start: number, end: number): void {
    this.#sink.failed(`Socket.IO: ${Buffer.from(bytes.subarray(start, end)).toString("latin1", 0, 200)}`);
  }
}

function payloadOf(bytes: Uint8Array, start: number): number {
  return bytes.indexOf(QUOTE, start + TOPIC_AT) + SEPARATOR_BYTES;
}
