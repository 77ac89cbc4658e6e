/**
 * Records as lines of JSON and back: `{"topic":…,"partition":…,"epoch":…,"offset":…,"timestamp":…,"key":…?,"headers":…?,"data":…}`. JSON data stands in the
 * line byte for byte as it was published; text and msgpack are told by a member `type`.
 */
import type { ByteWriter } from "@ringcast/protocol";
import {
  CONTENT_TYPE,
  contentTypeOf,
  decodePublishBody,
  isEpoch,
  isOffset,
  isTopic,
  MAX_PARTITIONS,
  NO_PRODUCER,
  recordSize,
  RingcastError,
  writeMessage,
  writeRecord,
  type Limits,
  type NewMessage,
} from "@ringcast/protocol";
import type { RunPlace } from "./record-run.js";
import type { StoredRecord } from "./stored-record.js";

const NEWLINE = 0x0a;
/** `writeMessage` opens an object of its own; ours is open already. */
const OPEN_BRACE_BYTES = 1;
const TYPES = new Map<number, string>([
  [CONTENT_TYPE.text, "text"],
  [CONTENT_TYPE.msgpack, "msgpack"],
]);
/** What a hub has stored may be stored again: the hub that gets it judges sizes. */
const NO_LIMITS: Limits = {
  maxMessageBytes: Infinity,
  maxFrameBytes: Infinity,
  maxSubscriptions: 0,
  maxWindow: 0,
  maxInflight: 0,
  maxBatch: 1,
  idleTimeoutMs: 0,
  pingIntervalMs: 0,
};

/** A message of a line, and where it stood. */
export interface LineRecord extends RunPlace {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly message: NewMessage;
}

/** Writes one record as a line. */
export function writeLine(writer: ByteWriter, { topic, partition, epoch }: RunPlace, record: StoredRecord): void {
  const { bytes, view, at } = record;
  const type = TYPES.get(contentTypeOf(view, at));
  const place = JSON.stringify({ topic, partition, epoch, ...(type === undefined ? {} : { type }) });
  writer.text(place.slice(0, -1));
  const commaAt = writer.length;
  writeMessage(writer, bytes, view, at);
  writer.bytes.fill(0x2c, commaAt, commaAt + OPEN_BRACE_BYTES);
  writer.byte(NEWLINE);
}

/**
 * Reads a line.
 *
 * @param where the line, for the sentence of an error
 * @throws RingcastError `bad_request`
 */
export function readLine(line: Buffer, where: string): LineRecord {
  try {
    const fields = JSON.parse(line.toString()) as LineFields | null;
    const { topic, partition, epoch, offset, timestamp, type, data } = fields ?? {};
    const isNamed = typeof topic === "string" && isTopic(topic) && typeof epoch === "string" && isEpoch(epoch);
    if (!isNamed || !isPartition(partition) || !isOffset(offset) || !isOffset(timestamp)) {
      throw new RingcastError("bad_request", "topic, partition, epoch, offset or timestamp is missing or wrong.");
    }
    const [message] = decodePublishBody(line, NO_LIMITS).messages;
    if (message === undefined) throw new RingcastError("bad_request", "data is missing.");
    return { topic, partition, epoch, offset, timestamp, message: withType(message, type, data) };
  } catch (cause) {
    if (!(cause instanceof RingcastError) && !(cause instanceof SyntaxError)) throw cause;
    throw new RingcastError("bad_request", `${where} is no record of a backup: ${cause.message}`, {}, { cause });
  }
}

/** The message as a record, as it would stand in a log; its hub check is for the log that takes it to make. */
export function toRecord({ offset, timestamp, message }: LineRecord): Uint8Array {
  const bytes = new Uint8Array(recordSize(message));
  const stamp = { offset, timestamp, flags: 0, seed: 0, address: 0, producer: NO_PRODUCER };
  writeRecord(bytes, new DataView(bytes.buffer), 0, message, stamp);
  return bytes;
}

/** Members of a line as anyone may have written them. */
type LineFields = Readonly<
  Partial<Record<"topic" | "partition" | "epoch" | "offset" | "timestamp" | "type" | "data", unknown>>
>;

function isPartition(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_PARTITIONS;
}

/** Text is text again; msgpack stays the JSON that it became. */
function withType(message: NewMessage, type: unknown, data: unknown): NewMessage {
  if (type !== "text" || typeof data !== "string") return message;
  return { ...message, contentType: CONTENT_TYPE.text, data: Buffer.from(data) };
}
