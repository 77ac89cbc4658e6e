/** Ringcast's JSON dialect. Records are counted by the offsets in the head of a frame. */
import { PAYLOAD_TIME_BYTES, type Wire } from "../wire.js";
import { RingcastConnection, ringcastWire } from "./ringcast-connection.js";

const MESSAGES = Buffer.from('{"op":"messages","subscription":');
const PUBLISHED = Buffer.from('{"op":"published"');
const NEXT = Buffer.from('"next":');
const DATA = Buffer.from('"data":"');
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
/** Longest head of a frame: one with a topic of 255 bytes. */
const MAX_HEAD_BYTES = 512;
/** So far from its head the first record's data is looked for. */
const SAMPLED_BYTES = 128;
/** Where the records of a publish stand in memory: its head ends there. */
const RECORDS_AT = 512;

export function createWire(options: unknown): Wire {
  return ringcastWire("json", options, (sink, before) => new JsonConnection(sink, before));
}

class JsonConnection extends RingcastConnection {
  readonly #publishes = new JsonPublishes();

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    return this.#publishes.write(this.nextPublishId(), topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    if (beginsWith(bytes, start, end, PUBLISHED)) this.sink.acknowledged(1);
    else if (!this.#takeRecords(bytes, start, end)) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
      this.takeControl(JSON.parse(text) as object);
    }
    return end;
  }

  skim(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#takeRecords(bytes, start, end);
  }

  protected encode(request: object): Uint8Array {
    return Buffer.from(JSON.stringify(request));
  }

  /** @returns whether a frame of records begins here, and its head is whole */
  #takeRecords(bytes: Uint8Array, start: number, end: number): boolean {
    if (!beginsWith(bytes, start, end, MESSAGES)) return false;
    const number = readNumber(bytes, start + MESSAGES.length, end);
    const nextAt = find(bytes, start + MESSAGES.length, Math.min(end, start + MAX_HEAD_BYTES), NEXT);
    if (number === -1 || nextAt === -1) return false;
    const next = readNumber(bytes, nextAt, end);
    const subscription = this.subscription(number);
    if (next === -1 || subscription === undefined) return false;
    const count = next - subscription.next;
    subscription.next = next;
    if (this.sink.isExact) this.#tellEach(bytes, nextAt, end, count);
    else
      this.sink.delivered(count, find(bytes, nextAt, Math.min(end - PAYLOAD_TIME_BYTES, nextAt + SAMPLED_BYTES), DATA));
    return true;
  }

  #tellEach(bytes: Uint8Array, start: number, end: number, count: number): void {
    let at = start;
    for (let record = 0; record < count; record++) {
      const payload = at === -1 ? -1 : find(bytes, at, end, DATA);
      this.sink.delivered(1, payload);
      at = payload === -1 ? -1 : payload + PAYLOAD_TIME_BYTES;
    }
  }
}

/** Writes publishes over one another: mostly only the id changes, and the time. */
class JsonPublishes {
  #memory = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #topic = "";
  #records = 0;
  #bytes = 0;

  write(id: number, topic: string, payload: Uint8Array, records: number): Uint8Array {
    if (this.#records !== records || this.#bytes !== payload.length) this.#writeRecords(payload, records);
    else if (!isSameTime(this.#memory, this.#firstPayload(), payload)) this.#writeTimes(payload);
    if (topic !== this.#topic) this.#writeHead(topic);
    this.#writeId(id);
    return this.#memory.subarray(this.#start, this.#end);
  }

  #firstPayload(): number {
    return RECORDS_AT + (this.#records === 1 ? DATA.length : '"messages":[{"data":"'.length);
  }

  #writeRecords(payload: Uint8Array, records: number): void {
    const text = Buffer.from(payload).toString("latin1");
    const one = `"data":"${text}"`;
    const body =
      records === 1 ? `${one}}` : `"messages":[${Array.from({ length: records }, () => `{${one}}`).join(",")}]}`;
    this.#memory = Buffer.alloc(RECORDS_AT + body.length);
    this.#end = RECORDS_AT + this.#memory.write(body, RECORDS_AT, "latin1");
    this.#records = records;
    this.#bytes = payload.length;
    this.#topic = "";
  }

  #writeTimes(payload: Uint8Array): void {
    const step = this.#bytes + '{"data":""},'.length;
    let at = this.#firstPayload();
    for (let record = 0; record < this.#records; record++, at += step) {
      for (let n = 0; n < PAYLOAD_TIME_BYTES; n++) this.#memory[at + n] = payload[n] as number;
    }
  }

  #writeHead(topic: string): void {
    const head = Buffer.from(`{"op":"publish","id":0000000000,"topic":${JSON.stringify(topic)},`);
    this.#topic = topic;
    this.#start = RECORDS_AT - head.length;
    head.copy(this.#memory, this.#start);
  }

  /** @param id of ten digits */
  #writeId(id: number): void {
    let rest = id;
    for (let at = this.#start + '{"op":"publish","id":'.length + 9; rest > 0; at--) {
      const tens = Math.floor(rest / 10);
      this.#memory[at] = ZERO + (rest - tens * 10);
      rest = tens;
    }
  }
}

function isSameTime(memory: Uint8Array, at: number, payload: Uint8Array): boolean {
  // From the end: those digits change first.
  for (let n = PAYLOAD_TIME_BYTES - 1; n >= 0; n--) if (memory[at + n] !== payload[n]) return false;
  return true;
}

function beginsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let n = 0; n < text.length; n++) if (bytes[start + n] !== text[n]) return false;
  return true;
}

/** @returns place behind the text; -1 where it isn't */
function find(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  const first = text[0];
  const second = text[1];
  for (let at = start; at + text.length <= end; at++) {
    if (bytes[at] === first && bytes[at + 1] === second && beginsWith(bytes, at, end, text)) return at + text.length;
  }
  return -1;
}

/** @returns -1 where no number stands that a comma follows */
function readNumber(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= ZERO && byte <= NINE) value = value * 10 + (byte - ZERO);
    else return byte === COMMA && at > start ? value : -1;
  }
  return -1;
}
