/** What the readers read: messages of every kind of data, with and without key and headers. */
import { connect, type OutgoingMessage } from "@ringcast/client";
import { RecordDigest, type ReaderReport } from "./record-digest.js";

export interface PublishTask {
  /** e.g. `ws://127.0.0.1:7447` */
  readonly url: string;
  /** A topic of one partition. */
  readonly topic: string;
  readonly records: number;
  /** Called after each batch with the number of messages handed over so far. */
  readonly onProgress?: (sent: number) => void;
}

export const BATCH_RECORDS = 500;

/**
 * Publishes with the binary SDK, without waiting for one batch before the next.
 *
 * @returns what was sent and where the hub said it is: a reader's report must be the same
 */
export async function publishMessages({ url, topic, records, onProgress }: PublishTask): Promise<ReaderReport> {
  await using publisher = connect(url);
  const digest = new RecordDigest();
  let digested = Promise.resolve();
  for (let sent = 0; sent < records; sent += BATCH_RECORDS) {
    const count = Math.min(BATCH_RECORDS, records - sent);
    const messages = Array.from({ length: count }, (_, index) => messageOf(sent + index));
    await publisher.drained();
    const stored = publisher.publishMany(topic, messages);
    digested = Promise.all([stored, digested]).then(async ([{ timestamp, offsets }]) => {
      let offset = offsets[0]?.first ?? Number.NaN;
      for (const { key, headers, data } of messages)
        await digest.add({ offset: offset++, timestamp, key, headers, data });
    });
    onProgress?.(sent + count);
  }
  await digested;
  return await digest.report();
}

function messageOf(n: number): OutgoingMessage<unknown> {
  switch (n % 4) {
    case 0:
      return {
        data: { order: n, items: ["pen", "ink", "Ωμέγα", "😀"], paid: n % 8 === 0, note: null },
        key: `c-${n % 97}`,
      };
    case 1:
      return { data: Uint8Array.from({ length: 48 }, (_, index) => (n + index * 7) & 0xff), headers: { kind: "blob" } };
    case 2:
      return { data: `line ${n} of a longer text, so that not every record has the same length`, key: "" };
    default:
      return { data: [n, -n, 2 ** 40 + n, true, false], headers: { kind: "list", "trace-id": String(n) } };
  }
}
