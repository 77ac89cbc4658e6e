/**
 * Publish frames of the binary dialect. The records are judged and sliced where they are; nothing of them is decoded, and the publisher's checks go on with them.
 *
 * @see docs/protocol.md, "Batch frames"
 */
import {
  BATCH_KIND,
  BATCH_NAME_LENGTH_AT,
  BATCH_TOPIC_AT,
  BATCH_TOPIC_LENGTH_AT,
  PUBLISH_FLAG,
  countRecords,
  readBatchHead,
} from "../../batch.js";
import type { BatchHead } from "../../batch.js";
import { RingcastError, shown } from "../../errors.js";
import { checkHeaderBlock } from "../../headers.js";
import { checkData, checkKeyLength, checkPayloadSize } from "../../messages.js";
import type { Durability, Limits, NewMessage, PublishRequest } from "../../operations.js";
import { isOffset } from "../../position.js";
import {
  CONTENT_TYPE,
  HAS_KEY,
  HUB_CHECK_AT,
  KEY_AT,
  MIN_RECORD_BYTES,
  OFFSET_AT,
  PAYLOAD_CHECK_AT,
  TYPE_AT,
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  headersAtOf,
  lengthOf,
} from "../../record.js";
import { isPayloadIntact } from "../../record-check.js";
import { RecordRun, messageAt } from "../../record-run.js";
import { checkPartition, checkProducer } from "../../requests.js";
import { checkWritableTopic } from "../../topic.js";
import { isUtf8 } from "../../utf8.js";
import { atIndex, badRequest, checkCount, fatal, refusal } from "../outcome.js";
import type { DecodedRequest } from "../outcome.js";

const KNOWN_FLAGS =
  PUBLISH_FLAG.batch | PUBLISH_FLAG.producer | PUBLISH_FLAG.partition | PUBLISH_FLAG.stored | PUBLISH_FLAG.synced;
const LAST_CONTENT_TYPE = CONTENT_TYPE.text;

/** Decodes a frame that begins with 0xC1. Never throws, whatever the bytes; the time is linear in them. */
export function decodePublishFrame(bytes: Uint8Array, limits: Limits): DecodedRequest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = readBatchHead(bytes, view);
  if (head === undefined) return fatal(1007, "Send batch frames whole: the header of this one is cut off or no UTF-8.");
  if (head.kind !== BATCH_KIND.publish) return fatal(1008, `Send batch frames of kind 2, not ${head.kind}.`);
  const namesEnd = BATCH_TOPIC_AT + (bytes[BATCH_TOPIC_LENGTH_AT] as number) + (bytes[BATCH_NAME_LENGTH_AT] as number);
  if ((head.flags & ~KNOWN_FLAGS) !== 0 || head.reserved !== 0 || !isZero(bytes, namesEnd, head.recordsAt)) {
    return fatal(1008, "Leave the bits of a batch frame's header zero that docs/protocol.md gives no meaning.");
  }
  const isImpossible = head.count > (bytes.length - head.recordsAt) / MIN_RECORD_BYTES;
  if (isImpossible || countRecords(view, head.recordsAt, bytes.length) !== head.count) {
    return fatal(1007, `Send exactly ${head.count} whole records, as the batch frame's header says.`);
  }
  try {
    return { ok: true, request: readRequest(bytes, view, head, limits) };
  } catch (error) {
    return refusal("publish", isOffset(head.number) ? { id: head.number } : {}, error);
  }
}

/** A publish whose messages are made of its records when somebody asks for them. */
class FrameRequest implements PublishRequest {
  readonly op = "publish";
  readonly id: number;
  readonly topic: string;
  readonly records: RecordRun;
  readonly batch: boolean;
  readonly partition: number | undefined;
  readonly producer: PublishRequest["producer"];
  readonly durability: Durability | undefined;

  constructor(head: BatchHead, records: RecordRun) {
    this.id = head.number;
    this.topic = head.topic;
    this.records = records;
    this.batch = (head.flags & PUBLISH_FLAG.batch) !== 0;
    this.partition = readPartition(head);
    this.producer = readProducer(head);
    this.durability = readDurability(head.flags);
  }

  get messages(): readonly NewMessage[] {
    return this.records.messages;
  }
}

function readRequest(bytes: Uint8Array, view: DataView, head: BatchHead, limits: Limits): PublishRequest {
  const { number, flags, count, recordsAt } = head;
  if (!isOffset(number)) throw badRequest("id", `Give each request an id from 0 to 2^53 - 1, not ${shown(number)}.`);
  checkWritableTopic(head.topic);
  if ((flags & PUBLISH_FLAG.batch) === 0 && count !== 1) {
    throw badRequest("messages", `Set flag 1 to publish ${count} messages at once.`);
  }
  checkCount(count, limits);
  const request = new FrameRequest(head, new RecordRun(bytes, view, { at: recordsAt, count }));
  checkRecords(bytes, view, recordsAt, limits);
  return request;
}

function readPartition({ flags, partition }: BatchHead): number | undefined {
  if ((flags & PUBLISH_FLAG.partition) !== 0) return checkPartition(partition);
  if (partition === 0) return undefined;
  throw badRequest("partition", `Set flag 4 to choose partition ${partition}.`);
}

function readProducer({ flags, name, position }: BatchHead): PublishRequest["producer"] {
  if ((flags & PUBLISH_FLAG.producer) !== 0) return checkProducer(name, position);
  if (name === "" && position === 0) return undefined;
  throw badRequest("producer", `Set flag 2 to publish as producer ${shown(name)}.`);
}

function readDurability(flags: number): Durability | undefined {
  const asked = flags & (PUBLISH_FLAG.stored | PUBLISH_FLAG.synced);
  if (asked === 0) return undefined;
  if (asked === PUBLISH_FLAG.stored) return "stored";
  if (asked === PUBLISH_FLAG.synced) return "synced";
  throw badRequest("durability", "Set one of the flags 8 and 16, not both.");
}

/** @param from first byte of the first record; the bounds and lengths of all of them are good */
function checkRecords(bytes: Uint8Array, view: DataView, from: number, limits: Limits): void {
  let index = 0;
  try {
    for (let at = from; at < bytes.length; index++) at += checkRecord(bytes, view, at, limits);
  } catch (error) {
    throw error instanceof RingcastError ? atIndex(error, index) : error;
  }
}

/** @returns length of the record */
function checkRecord(bytes: Uint8Array, view: DataView, at: number, limits: Limits): number {
  const length = lengthOf(view, at);
  const dataEnd = dataEndOf(view, at);
  checkHubPart(view, at);
  if (!isZero(bytes, dataEnd, at + length)) throw badRequest("messages", "Fill each record up with zeros.");
  checkPayload(bytes, view, at, dataEnd);
  checkPayloadSize(dataEnd - at - KEY_AT, limits);
  return length;
}

/**
 * Reads what a publisher gave of a record, and judges it as at the door: payload check, type, key, headers, data.
 *
 * @param at first byte of a record whose bounds and lengths are good
 * @returns slices of `bytes`, and the check as it stands there
 * @throws RingcastError `bad_request` with `details.field`
 */
export function readPayload(bytes: Uint8Array, view: DataView, at: number): NewMessage {
  checkPayload(bytes, view, at, dataEndOf(view, at));
  return messageAt(bytes, view, at);
}

function checkPayload(bytes: Uint8Array, view: DataView, at: number, end: number): void {
  const type = contentTypeOf(view, at);
  // Attributes and what is reserved, too: bits without a meaning are kept for one.
  const attributes = view.getUint32(at + TYPE_AT, true) >>> 8;
  if (type > LAST_CONTENT_TYPE || attributes > HAS_KEY) {
    throw badRequest(
      "contentType",
      `Give content types from 0 to ${LAST_CONTENT_TYPE} and no attributes but 1, not ${type}.`,
    );
  }
  const headersAt = headersAtOf(view, at);
  const dataAt = dataAtOf(view, at);
  if (attributes === HAS_KEY) checkKeyBytes(bytes, at + KEY_AT, headersAt);
  if (!isPayloadIntact(view, at)) {
    throw badRequest(
      "check",
      "Send each record with the CRC-32 of its payload: this one was damaged on its way or made wrong.",
    );
  }
  if (dataAt > headersAt) checkHeaderBlock(bytes, headersAt, dataAt);
  checkData(type, bytes, dataAt, end);
}

/** What the hub adds is the hub's to say. */
function checkHubPart(view: DataView, at: number): void {
  let bits = view.getInt32(at + HUB_CHECK_AT, true);
  for (let place = at + OFFSET_AT; place < at + PAYLOAD_CHECK_AT; place += 4) bits |= view.getInt32(place, true);
  if (bits !== 0) throw badRequest("messages", "Leave the hub's part of each record zero, but for the length.");
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let place = from; place < to; place++) if (bytes[place] !== 0) return false;
  return true;
}

function checkKeyBytes(bytes: Uint8Array, from: number, to: number): void {
  checkKeyLength(to - from);
  if (!isUtf8(bytes, from, to)) throw badRequest("key", "Give the key as UTF-8.");
}
