/** Redis pub/sub over TCP. Each PUBLISH is answered with the number of those who got it: an acknowledgement of a message that nobody keeps. */
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { RecordAnswers } from "./answers.js";
import { ReadDeliveries } from "./read-deliveries.js";
import { bulkString, command, REPLY, ReplyReader } from "./resp.js";
import { Templates } from "./templates.js";

/** First letter of what an array tells: message, subscribe, unsubscribe. */
const MESSAGE = 0x6d;

/** Takes no options. */
export const createWire: CreateWire = (): Wire => ({
  framing: "stream",
  acknowledges: true,
  connect: (sink) => new PubSubConnection(sink),
});

class PubSubConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #answers = new RecordAnswers();
  readonly #reader = new ReplyReader();
  readonly #templates = new Templates((topic, payloadBytes) => ({
    before: "",
    head: `*3\r\n${bulkString("PUBLISH")}${bulkString(topic)}$${payloadBytes}\r\n`,
    tail: "\r\n",
    after: "",
  }));
  readonly #deliveries: ReadDeliveries;
  /** Reads one piece. */
  readonly #next = (): void => this.#reply();

  constructor(sink: Sink) {
    this.#sink = sink;
    this.#deliveries = new ReadDeliveries(sink);
  }

  greeting(): Uint8Array {
    return Buffer.from(command("PING"));
  }

  subscribe(topic: string): Uint8Array {
    return Buffer.from(command("SUBSCRIBE", topic));
  }

  unsubscribe(topic: string): Uint8Array {
    return Buffer.from(command("UNSUBSCRIBE", topic));
  }

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    this.#answers.expect(records);
    return this.#templates.fill(topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    const used = this.#reader.readAll(bytes, start, end, this.#next);
    this.#deliveries.tell();
    return used;
  }

  #reply(): void {
    const reader = this.#reader;
    switch (reader.bytes[reader.at]) {
      case REPLY.array:
        this.#push();
        break;
      case REPLY.integer:
        reader.number();
        if (!reader.isShort && this.#answers.take() > 0) this.#sink.acknowledged(1);
        break;
      case REPLY.status:
        reader.line();
        if (!reader.isShort) this.#sink.ready();
        break;
      default: {
        const reason = reader.line();
        if (!reader.isShort) this.#sink.failed(`Redis: ${reason}`);
      }
    }
  }

  /** An array of three: what it is, the channel, and the payload or a number. */
  #push(): void {
    const reader = this.#reader;
    reader.number();
    const kind = reader.bytes[reader.bulk()];
    reader.bulk();
    if (reader.isShort) return;
    if (kind === MESSAGE) this.#message();
    else this.#confirmed();
  }

  #message(): void {
    const payload = this.#reader.bulk();
    if (this.#reader.isShort) return;
    this.#deliveries.add(payload);
  }

  #confirmed(): void {
    this.#reader.number();
    if (!this.#reader.isShort) this.#sink.subscribed();
  }
}
