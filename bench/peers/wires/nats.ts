/**
 * NATS, over TCP or over WebSocket, where frames may hold parts of messages: plain topics (`fanout`), `+OK` for each publish (`echo`), and JetStream, which
 * answers each publish with a PubAck to its reply subject (`ingest`) and delivers a stream to an ordered push consumer (`replay`).
 */
import { randomBytes } from "node:crypto";
import type { CreateWire, Sink, Wire, WireConnection } from "../../../server/src/cli/bench/wire.js";
import { RecordAnswers } from "./answers.js";
import { orderedConsumer } from "./jetstream.js";
import { readNatsHead, textOf, wordsOf, type NatsHead } from "./nats-head.js";
import { ReadDeliveries } from "./read-deliveries.js";
import { RestReader } from "./rest.js";
import { Templates } from "./templates.js";

/** What {@link createWire} is given. */
export interface NatsOptions {
  readonly ability: "fanout" | "echo" | "ingest" | "replay";
  readonly framing: Wire["framing"];
}

/** Subscriptions of a connection to inboxes of its own; those of the generator have the numbers from 1 on. */
const ACKNOWLEDGEMENTS = 0;
const API_ANSWERS = 1_000_000;

/** First letters of what the server says. */
const SAYS = { message: 0x4d, withHeaders: 0x48, information: 0x49, ping: 0x50, ok: 0x2b, error: 0x2d } as const;
/** Second letter of PONG. */
const LETTER_O = 0x4f;
const LINE_FEED = 0x0a;

/** @param options {@link NatsOptions} */
export const createWire: CreateWire = (options): Wire => {
  const { ability, framing } = options as NatsOptions;
  return {
    framing,
    handshake: { path: "/" },
    binary: true,
    takesParts: framing === "websocket",
    acknowledges: ability === "echo" || ability === "ingest",
    connect: (sink) => new NatsConnection(sink, options as NatsOptions),
  };
};

class NatsConnection implements WireConnection {
  readonly #sink: Sink;
  readonly #options: NatsOptions;
  readonly #inbox = `_INBOX.${randomBytes(8).toString("hex")}`;
  readonly #templates: Templates;
  readonly #answers = new RecordAnswers();
  readonly #rest = new RestReader((bytes, start, end) => this.#read(bytes, start, end));
  readonly #head: NatsHead = { sid: 0, bytes: 0 };
  #isReady = false;
  readonly #deliveries: ReadDeliveries;

  constructor(sink: Sink, options: NatsOptions) {
    this.#sink = sink;
    this.#deliveries = new ReadDeliveries(sink);
    this.#options = options;
    const reply = options.ability === "ingest" ? ` ${this.#inbox}.acks` : "";
    this.#templates = new Templates((topic, payloadBytes) => ({
      before: "",
      head: `PUB ${topic}${reply} ${payloadBytes}\r\n`,
      tail: "\r\n",
      after: "",
    }));
  }

  greeting(): Uint8Array {
    const settings = {
      verbose: this.#options.ability === "echo",
      pedantic: false,
      tls_required: false,
      lang: "bench",
      version: "1",
      protocol: 1,
      headers: true,
      no_responders: true,
    };
    const inboxes = [`SUB ${this.#inbox}.acks ${ACKNOWLEDGEMENTS}\r\n`, `SUB ${this.#inbox}.api ${API_ANSWERS}\r\n`];
    const isJetStream = this.#options.ability === "ingest" || this.#options.ability === "replay";
    return Buffer.from(`CONNECT ${JSON.stringify(settings)}\r\n${isJetStream ? inboxes.join("") : ""}PING\r\n`);
  }

  subscribe(topic: string, number: number, from: "latest" | "earliest"): Uint8Array {
    if (from === "latest") return Buffer.from(`SUB ${topic} ${number}\r\nPING\r\n`);
    const deliverTo = `${this.#inbox}.${number}`;
    const request = orderedConsumer(topic, deliverTo);
    const { length } = request.body;
    return Buffer.from(
      `SUB ${deliverTo} ${number}\r\nPUB ${request.subject} ${this.#inbox}.api ${length}\r\n${request.body}\r\n`,
    );
  }

  unsubscribe(_topic: string, number: number): Uint8Array {
    return Buffer.from(`UNSUB ${number}\r\nPING\r\n`);
  }

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    this.#answers.expect(records);
    return this.#templates.fill(topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    if (this.#options.framing === "stream") return this.#read(bytes, start, end);
    this.#rest.take(bytes, start, end);
    return end;
  }

  #read(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const next = bytes[at] === SAYS.message ? this.#message(bytes, at, end) : this.#other(bytes, at, end);
      if (next === -1) break;
      at = next;
    }
    this.#deliveries.tell();
    return at;
  }

  /** @returns place behind the message, -1 when it isn't whole */
  #message(bytes: Uint8Array, start: number, end: number): number {
    const head = this.#head;
    const payload = readNatsHead(bytes, start, end, head);
    const next = payload + head.bytes + 2;
    if (payload === -1 || next > end) return -1;
    if (head.sid === ACKNOWLEDGEMENTS) this.#pubAck(bytes, payload, next);
    else if (head.sid === API_ANSWERS) this.#apiAnswer(textOf(bytes, payload, next));
    else this.#record(payload);
    return next;
  }

  #record(payload: number): void {
    const place = this.#rest.isJoined ? -1 : payload;
    this.#deliveries.add(place);
  }

  /** `{"stream":"…","seq":1}`, or `{"error":…` */
  #pubAck(bytes: Uint8Array, payload: number, next: number): void {
    if (bytes[payload + 2] !== 0x73) this.#sink.failed(`JetStream: ${textOf(bytes, payload, next)}`);
    this.#acknowledged();
  }

  #acknowledged(): void {
    const publishes = this.#answers.take();
    if (publishes > 0) this.#sink.acknowledged(publishes);
  }

  #apiAnswer(text: string): void {
    if (text.includes('"error"')) this.#sink.failed(`JetStream: ${text}`);
    else this.#sink.subscribed();
  }

  #other(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] === SAYS.withHeaders) return this.#status(bytes, start, end);
    const lineFeed = bytes.subarray(start, end).indexOf(LINE_FEED);
    if (lineFeed === -1) return -1;
    const next = start + lineFeed + 1;
    switch (bytes[start]) {
      case SAYS.ok:
        if (this.#isReady) this.#acknowledged();
        break;
      case SAYS.ping:
        this.#pingOrPong(bytes[start + 1] === LETTER_O);
        break;
      case SAYS.information:
        break;
      default:
        this.#sink.failed(`NATS: ${textOf(bytes, start, next)}`);
    }
    return next;
  }

  #pingOrPong(isPong: boolean): void {
    if (!isPong) {
      this.#sink.reply(Buffer.from("PONG\r\n"));
    } else if (this.#isReady) {
      this.#sink.subscribed();
    } else {
      this.#isReady = true;
      this.#sink.ready();
    }
  }

  /** A message with headers: JetStream asks for a sign that the reader keeps up, or tells that there is no more at the moment. */
  #status(bytes: Uint8Array, start: number, end: number): number {
    const headers = readNatsHead(bytes, start, end, this.#head);
    const next = headers + this.#head.bytes + 2;
    if (headers === -1 || next > end) return -1;
    const text = textOf(bytes, headers, next);
    const words = wordsOf(bytes, start, headers);
    if (!text.startsWith("NATS/1.0 100")) this.#sink.failed(`NATS: ${words.join(" ")}: ${text}`);
    const asked = words.length === 6 ? words[3] : /Nats-Consumer-Stalled: (\S+)/i.exec(text)?.[1];
    if (asked !== undefined) this.#sink.reply(Buffer.from(`PUB ${asked} 0\r\n\r\n`));
    return next;
  }
}
