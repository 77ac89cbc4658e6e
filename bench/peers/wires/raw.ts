/** The wire of bare WebSocket servers: see raw-frames.ts. */
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { ANSWER, BATCH, ECHO, PUBLISH, SUBSCRIBE, TOPIC_AT, UNSUBSCRIBE } from "../raw-frames.js";
import { Templates } from "./templates.js";

interface Options {
  /** `echo`: publishes are acknowledged, and go nowhere. */
  readonly ability: string;
}

/** @see raw-frames.ts */
export const createWire: CreateWire = (options): Wire => {
  const isEcho = (options as Options).ability === "echo";
  return {
    framing: "websocket",
    handshake: { path: "/" },
    binary: true,
    acknowledges: isEcho,
    connect: (sink) => new RawConnection(sink, isEcho),
  };
};

class RawConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #singles: Templates;
  readonly #batches: Templates;

  constructor(sink: Sink, isEcho: boolean) {
    this.#sink = sink;
    this.#singles = new Templates((topic) => ({
      before: head(isEcho ? ECHO : PUBLISH, topic),
      head: "",
      tail: "",
      after: "",
    }));
    this.#batches = new Templates((topic, payloadBytes) => ({
      before: head(isEcho ? ECHO : BATCH, topic),
      head: lengthPrefix(payloadBytes),
      tail: "",
      after: "",
    }));
  }

  greeting(): undefined {
    this.#sink.ready();
  }

  subscribe(topic: string): Uint8Array {
    return Buffer.from(head(SUBSCRIBE, topic), "latin1");
  }

  unsubscribe(topic: string): Uint8Array {
    return Buffer.from(head(UNSUBSCRIBE, topic), "latin1");
  }

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    return (records === 1 ? this.#singles : this.#batches).fill(topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    switch (bytes[start]) {
      case PUBLISH:
        this.#sink.delivered(1, start + TOPIC_AT + bytes[start + 1]!);
        break;
      case ANSWER:
        this.#sink.acknowledged(1);
        break;
      case SUBSCRIBE:
      case UNSUBSCRIBE:
        this.#sink.subscribed();
        break;
      default:
        this.#sink.failed(`Byte ${bytes[start] ?? -1} begins no frame.`);
    }
    return end;
  }
}

function head(op: number, topic: string): string {
  return String.fromCharCode(op, topic.length) + topic;
}

function lengthPrefix(bytes: number): string {
  return String.fromCharCode(bytes >>> 24, (bytes >>> 16) & 0xff, (bytes >>> 8) & 0xff, bytes & 0xff);
}
