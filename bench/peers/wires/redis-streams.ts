/** Redis streams over TCP: XADD for each record, answered with its id; a reader asks with XREAD for what comes behind the last id it has seen. */
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { RecordAnswers } from "./answers.js";
import { ReadDeliveries } from "./read-deliveries.js";
import { bulkString, command, REPLY, ReplyReader } from "./resp.js";
import { Templates } from "./templates.js";

/** What {@link createWire} is given. */
export interface StreamsOptions {
  /** Records that a stream keeps at least; `~` lets Redis trim whole nodes, which it advises. */
  readonly keep: number;
  /** Records of one answer to XREAD. */
  readonly count: number;
}

/** @param options {@link StreamsOptions} */
export const createWire: CreateWire = (options): Wire => ({
  framing: "stream",
  acknowledges: true,
  connect: (sink) => new StreamsConnection(sink, options as StreamsOptions),
});

class StreamsConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #count: string;
  readonly #answers = new RecordAnswers();
  readonly #reader = new ReplyReader();
  readonly #templates: Templates;
  #isReady = false;
  /** What this connection reads: one stream, since an XREAD that waits keeps all else waiting. */
  #topic = "";
  /** Entries of the answer under way that are still to come. */
  #entries = 0;
  readonly #deliveries: ReadDeliveries;
  /** Reads one piece. */
  readonly #next = (): void => (this.#entries > 0 ? this.#entry() : this.#reply());

  constructor(sink: Sink, { keep, count }: StreamsOptions) {
    this.#sink = sink;
    this.#deliveries = new ReadDeliveries(sink);
    this.#count = String(count);
    const words = (topic: string) => ["XADD", topic, "MAXLEN", "~", String(keep), "*", "d"].map(bulkString).join("");
    this.#templates = new Templates((topic, payloadBytes) => ({
      before: "",
      head: `*8\r\n${words(topic)}$${payloadBytes}\r\n`,
      tail: "\r\n",
      after: "",
    }));
  }

  greeting(): Uint8Array {
    return Buffer.from(command("PING"));
  }

  /** The answer to PING tells that the XREAD behind it is the next that Redis looks at. */
  subscribe(topic: string, number: number, from: "latest" | "earliest"): Uint8Array {
    if (number > 1) this.#sink.failed("This wire reads one stream for each connection.");
    this.#topic = topic;
    return Buffer.from(command("PING") + this.#read(from === "earliest" ? "0" : "$"));
  }

  unsubscribe(): Uint8Array {
    this.#sink.failed("A connection that waits in XREAD can't end that.");
    return new Uint8Array(0);
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

  #read(id: string): string {
    return command("XREAD", "COUNT", this.#count, "BLOCK", "0", "STREAMS", this.#topic, id);
  }

  #reply(): void {
    const reader = this.#reader;
    switch (reader.bytes[reader.at]) {
      case REPLY.bulk:
        reader.bulk();
        if (!reader.isShort && this.#answers.take() > 0) this.#sink.acknowledged(1);
        break;
      case REPLY.array:
        this.#answerHead();
        break;
      case REPLY.status:
        reader.line();
        if (!reader.isShort) this.#pong();
        break;
      default: {
        const reason = reader.line();
        if (!reader.isShort) this.#sink.failed(`Redis: ${reason}`);
      }
    }
  }

  #pong(): void {
    if (this.#isReady) this.#sink.subscribed();
    else this.#sink.ready();
    this.#isReady = true;
  }

  /** One stream: its name, and an array of its entries. */
  #answerHead(): void {
    const reader = this.#reader;
    reader.number();
    reader.number();
    reader.bulk();
    const entries = reader.number();
    if (!reader.isShort) this.#entries = entries;
  }

  /** Its id, and an array of one field's name and value. */
  #entry(): void {
    const reader = this.#reader;
    reader.number();
    const id = reader.bulk();
    const idEnd = reader.at - 2;
    reader.number();
    reader.bulk();
    const payload = reader.bulk();
    if (reader.isShort) return;
    this.#entries--;
    this.#deliveries.add(payload);
    if (this.#entries === 0) this.#sink.reply(Buffer.from(this.#read(reader.text(id, idEnd))));
  }
}
