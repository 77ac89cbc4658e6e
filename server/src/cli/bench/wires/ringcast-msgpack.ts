/** Ringcast's binary dialect. Publishes and deliveries are batch frames; records are counted by the head of a frame. */
import {
  BATCH_COUNT_AT,
  BATCH_KIND,
  BATCH_KIND_AT,
  BATCH_MARK,
  BATCH_NAME_LENGTH_AT,
  BATCH_NUMBER_AT,
  BATCH_POSITION_AT,
  BATCH_TOPIC_AT,
  BATCH_TOPIC_LENGTH_AT,
  CONTENT_TYPE,
  DATA_LENGTH_AT,
  HEADERS_LENGTH_AT,
  KEY_AT,
  KEY_LENGTH_AT,
  LENGTH_AT,
  PAYLOAD_CHECK_AT,
  TYPE_AT,
  crc32Word,
  decodeMsgpack,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
} from "@ringcast/protocol";
import { PAYLOAD_TIME_BYTES, type Wire } from "../wire.js";
import { RingcastConnection, ringcastWire } from "./ringcast-connection.js";

/**
 * Of a record that comes in part, what has to be there so that its time can be read: of those that the generator
 * publishes.
 */
const SAMPLED_BYTES = KEY_AT + 1 + PAYLOAD_TIME_BYTES;
/** Behind the head of the map: `op`, `published`. */
const PUBLISHED = Uint8Array.from([0xa2, 0x6f, 0x70, 0xa9, ...Buffer.from("published")]);

export function createWire(options: unknown): Wire {
  return ringcastWire("msgpack", options, (sink, before) => new MsgpackConnection(sink, before));
}

class MsgpackConnection extends RingcastConnection {
  readonly #publishes = new BinaryPublishes();

  publish(topic: string, payload: Uint8Array, records: number): Uint8Array {
    return this.#publishes.write(this.nextPublishId(), topic, payload, records);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] === BATCH_MARK) this.#takeRecords(bytes, start, end);
    else if (isPublished(bytes, start)) this.sink.acknowledged(1);
    else this.takeControl(decodeMsgpack(bytes, start, end) as object);
    return end;
  }

  skim(bytes: Uint8Array, start: number, end: number): boolean {
    return bytes[start] === BATCH_MARK && this.#takeRecords(bytes, start, end);
  }

  protected encode(request: object): Uint8Array {
    return encodeMsgpack(request);
  }

  /** @returns whether the head was there */
  #takeRecords(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < BATCH_TOPIC_AT || bytes[start + BATCH_KIND_AT] !== BATCH_KIND.delivery) return false;
    const subscription = this.subscription(readU32(bytes, start + BATCH_NUMBER_AT));
    if (subscription === undefined) return false;
    const at = start + BATCH_POSITION_AT;
    subscription.next = readU32(bytes, at) + readU32(bytes, at + 4) * 0x1_0000_0000;
    const count = readU32(bytes, start + BATCH_COUNT_AT);
    const names = (bytes[start + BATCH_TOPIC_LENGTH_AT] as number) + (bytes[start + BATCH_NAME_LENGTH_AT] as number);
    const recordsAt = start + ((BATCH_TOPIC_AT + names + 7) & ~7);
    if (this.sink.isExact) this.#tellEach(bytes, recordsAt, count);
    else this.sink.delivered(count, recordsAt + SAMPLED_BYTES <= end ? payloadOf(bytes, recordsAt) : -1);
    return true;
  }

  #tellEach(bytes: Uint8Array, recordsAt: number, count: number): void {
    let at = recordsAt;
    for (let record = 0; record < count; record++) {
      this.sink.delivered(1, payloadOf(bytes, at));
      at += readU32(bytes, at + LENGTH_AT);
    }
  }
}

/**
 * Writes publishes over one another: mostly only the id changes, and the time with the check. All records of a publish
 * are the same.
 */
class BinaryPublishes {
  #frame = new Uint8Array(0);
  #view = new DataView(this.#frame.buffer);
  #topic = "";
  #records = 0;
  #bytes = 0;
  #recordsAt = 0;
  #recordBytes = 0;

  write(id: number, topic: string, payload: Uint8Array, records: number): Uint8Array {
    if (this.#records !== records || this.#bytes !== payload.length || topic !== this.#topic) {
      this.#writeAll(topic, payload, records);
    } else if (!this.#isSameTime(payload)) {
      this.#writeTimes(payload);
    }
    // As long as ids fit into 32 bits; there are enough of them for a run.
    this.#view.setUint32(BATCH_NUMBER_AT, id, true);
    return this.#frame;
  }

  #writeAll(topic: string, payload: Uint8Array, records: number): void {
    const message = { contentType: CONTENT_TYPE.bytes, headers: new Uint8Array(0), key: undefined, data: payload };
    const laidOut = encodeRecords(Array.from({ length: records }, () => message));
    const own = { partition: undefined, producer: undefined, durability: undefined };
    const head = { ...own, topic, id: 0, batch: records > 1, count: records };
    this.#frame = encodePublishFrame(head, laidOut);
    this.#view = new DataView(this.#frame.buffer);
    this.#topic = topic;
    this.#records = records;
    this.#bytes = payload.length;
    this.#recordBytes = laidOut.length / records;
    this.#recordsAt = this.#frame.length - laidOut.length;
  }

  #isSameTime(payload: Uint8Array): boolean {
    const at = this.#recordsAt + KEY_AT;
    // From the end: those digits change first.
    for (let n = PAYLOAD_TIME_BYTES - 1; n >= 0; n--) if (this.#frame[at + n] !== payload[n]) return false;
    return true;
  }

  #writeTimes(payload: Uint8Array): void {
    const view = this.#view;
    let at = this.#recordsAt;
    this.#writeTime(at, payload);
    const check = crc32Word(view, at + DATA_LENGTH_AT, at + KEY_AT + this.#bytes, 0);
    view.setInt32(at + PAYLOAD_CHECK_AT, check, true);
    for (let record = 1; record < this.#records; record++) {
      at += this.#recordBytes;
      this.#writeTime(at, payload);
      view.setInt32(at + PAYLOAD_CHECK_AT, check, true);
    }
  }

  #writeTime(recordAt: number, payload: Uint8Array): void {
    const at = recordAt + KEY_AT;
    for (let n = 0; n < PAYLOAD_TIME_BYTES; n++) this.#frame[at + n] = payload[n] as number;
  }
}

function isPublished(bytes: Uint8Array, start: number): boolean {
  for (let n = 0; n < PUBLISHED.length; n++) if (bytes[start + 1 + n] !== PUBLISHED[n]) return false;
  return true;
}

/** Place where the time stands in a record that the generator has published in either dialect. */
function payloadOf(bytes: Uint8Array, at: number): number {
  const names = readU16(bytes, at + KEY_LENGTH_AT) + readU16(bytes, at + HEADERS_LENGTH_AT);
  // A JSON string begins with a quotation mark.
  return at + KEY_AT + names + (bytes[at + TYPE_AT] === CONTENT_TYPE.json ? 1 : 0);
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function readU32(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;
}
