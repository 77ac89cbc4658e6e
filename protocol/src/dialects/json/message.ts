/**
 * From stored records to what JSON readers get: JSON data is spliced in as bytes and never parsed, text becomes a JSON string, bytes
 * `{"$bytes":"<base64>"}`, and msgpack is translated.
 *
 * @see docs/protocol.md, "Delivery"
 */
import { ByteWriter } from "../../byte-writer.js";
import { HEADER_PREFIX_BYTES, headerEnd } from "../../headers.js";
import {
  CONTENT_TYPE,
  KEY_AT,
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  hasKey,
  headersAtOf,
  offsetOf,
  timestampOf,
} from "../../record.js";
import { writeMsgpackAsJson } from "../msgpack/to-json.js";
import { writeOctets, writeString } from "./text.js";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const COLON = 0x3a;
const COMMA = 0x2c;

/** What stands in front of the messages of a delivery frame. */
export interface MessagesHead {
  readonly subscription: number;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  /** The offset after the last message of the frame. */
  readonly next: number;
}

/** Begins a `messages` frame; messages (with {@link writeMessage}, a comma between) and {@link writeMessagesEnd} follow. */
export function writeMessagesHead(writer: ByteWriter, head: MessagesHead): void {
  writer.text('{"op":"messages","subscription":');
  writer.integer(head.subscription);
  writer.text(',"topic":"');
  // Neither topics nor epochs hold a character that JSON escapes.
  writer.text(head.topic);
  writer.text('","partition":');
  writer.integer(head.partition);
  writer.text(',"epoch":"');
  writer.text(head.epoch);
  writer.text('","next":');
  writer.integer(head.next);
  writer.text(',"messages":[');
}

/** Ends a `messages` frame. */
export function writeMessagesEnd(writer: ByteWriter): void {
  writer.text("]}");
}

/** Writes the comma between two messages. */
export function writeMessageSeparator(writer: ByteWriter): void {
  writer.byte(COMMA);
}

/**
 * Writes one record as a message object. Never throws, whatever the bytes: data that JSON can't show becomes `{"$error":"…"}`.
 *
 * @param at        first byte of a record whose checks hold
 * @param partition written as a member of the object where it is given
 */
export function writeMessage(writer: ByteWriter, bytes: Uint8Array, view: DataView, at: number, partition = -1): void {
  writer.text('{"offset":');
  writer.integer(offsetOf(view, at));
  writeTimestamp(writer, timestampOf(view, at));
  if (partition >= 0) {
    writer.text(',"partition":');
    writer.integer(partition);
  }
  const headersAt = headersAtOf(view, at);
  const dataAt = dataAtOf(view, at);
  if (hasKey(view, at)) {
    writer.text(',"key":');
    writeString(writer, bytes, at + KEY_AT, headersAt);
  }
  if (dataAt > headersAt) {
    writer.text(',"headers":');
    writeHeaders(writer, bytes, headersAt, dataAt);
  }
  writer.text(',"data":');
  const contentType = contentTypeOf(view, at);
  if (contentType === CONTENT_TYPE.json) writer.copyFrom(view, dataAt, dataEndOf(view, at));
  else writeData(writer, contentType, bytes, dataAt, dataEndOf(view, at));
  writer.byte(CLOSE_BRACE);
}

/** The member as it was written last: most records have the time of the one before them, and thirteen digits are half of what a small record costs. */
const timestampMember = new ByteWriter(64);
const timestampView = new DataView(timestampMember.bytes.buffer);
let timestampWritten = -1;

function writeTimestamp(writer: ByteWriter, timestamp: number): void {
  if (timestamp !== timestampWritten) {
    timestampMember.clear();
    timestampMember.text(',"timestamp":');
    timestampMember.integer(timestamp);
    timestampWritten = timestamp;
  }
  writer.copyFrom(timestampView, 0, timestampMember.length);
}

/** Writes data that isn't JSON as JSON: the one place that says what each content type looks like to JSON readers. */
function writeData(writer: ByteWriter, contentType: number, bytes: Uint8Array, from: number, to: number): void {
  switch (contentType) {
    case CONTENT_TYPE.text:
      writeString(writer, bytes, from, to);
      return;
    case CONTENT_TYPE.bytes:
      writeOctets(writer, bytes, from, to);
      return;
    case CONTENT_TYPE.msgpack:
      if (!writeMsgpackAsJson(writer, bytes, from, to)) {
        writer.text('{"$error":"this data is not msgpack, although it was stored as such"}');
      }
      return;
    default:
      writer.text('{"$error":"this data has content type ');
      writer.integer(contentType);
      writer.text(', which has no form in JSON"}');
  }
}

function writeHeaders(writer: ByteWriter, bytes: Uint8Array, from: number, to: number): void {
  writer.byte(OPEN_BRACE);
  for (let at = from; at < to;) {
    const next = headerEnd(bytes, at, to);
    if (next < 0) break;
    const nameAt = at + HEADER_PREFIX_BYTES;
    const valueAt = nameAt + (bytes[at] as number);
    if (at > from) writer.byte(COMMA);
    writeString(writer, bytes, nameAt, valueAt);
    writer.byte(COLON);
    writeString(writer, bytes, valueAt, next);
    at = next;
  }
  writer.byte(CLOSE_BRACE);
}
