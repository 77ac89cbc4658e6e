/** Records as they stand in the log, handed through the SDK unread: what a backup keeps and a restore gives back. */
import type { Codec } from "@ringcast/client";
import {
  BATCH_KIND,
  BATCH_MARK,
  countRecords,
  decodeMsgpackHubFrame,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
  lengthOf,
  offsetOf,
  readBatchHead,
  RingcastError,
  timestampOf,
  type DecodedMessagesFrame,
  type Durability,
  type NewMessage,
  type ProducerSequence,
  type WireMessage,
} from "@ringcast/protocol";

/** One record, in the memory of the frame it came in. */
export class StoredRecord {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** First byte. */
  readonly at: number;

  constructor(bytes: Uint8Array, view: DataView, at: number) {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
  }

  get length(): number {
    return lengthOf(this.view, this.at);
  }
}

/**
 * The binary dialect with records instead of data: deliveries hand out a {@link StoredRecord} as data, `publishMany` takes a {@link NewMessage} as data
 * (its key and headers are the message's own).
 */
export const recordCodec: Codec = {
  subprotocol: "ringcast.v1.msgpack",
  encodeBody: (fields) => {
    const { messages } = fields as { readonly messages: readonly { readonly data: NewMessage }[] };
    return encodeRecords(messages.map(({ data }) => data));
  },
  encode: (operation, body) =>
    body === undefined ? encodeMsgpack(checked(operation)) : encodePublish(operation, body),
  decode: (frame) => {
    if (typeof frame === "string") throw new RingcastError("bad_frame", "The hub sent text in the binary dialect.");
    return frame[0] === BATCH_MARK ? decodeDelivery(frame) : decodeMsgpackHubFrame(frame);
  },
};

/** The hub compares both checks of what is backed up: a record that is damaged on its disk becomes a gap. */
function checked(operation: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return operation["op"] === "subscribe" ? { ...operation, verify: true } : operation;
}

function encodePublish(fields: Readonly<Record<string, unknown>>, body: string | Uint8Array): Uint8Array {
  const records = body as Uint8Array;
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const head = {
    id: fields["id"] as number,
    topic: fields["topic"] as string,
    batch: true,
    partition: fields["partition"] as number | undefined,
    producer: fields["producer"] as ProducerSequence | undefined,
    durability: fields["durability"] as Durability | undefined,
    count: countRecords(view, 0, records.length),
  };
  return encodePublishFrame(head, records);
}

function decodeDelivery(bytes: Uint8Array): DecodedMessagesFrame | undefined {
  const head = readBatchHead(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (head === undefined || countRecords(view, head.recordsAt, bytes.length) !== head.count) {
    throw new RingcastError("bad_frame", "The hub sent a batch frame that can't be understood.");
  }
  if (head.kind !== BATCH_KIND.delivery) return undefined;
  const messages: WireMessage[] = [];
  for (let at = head.recordsAt; at < bytes.length; at += lengthOf(view, at)) {
    const data = new StoredRecord(bytes, view, at);
    messages.push({ offset: offsetOf(view, at), timestamp: timestampOf(view, at), data });
  }
  const { number: subscription, topic, partition, name: epoch, position: next } = head;
  return { op: "messages", subscription, topic, partition, epoch, next, messages };
}
