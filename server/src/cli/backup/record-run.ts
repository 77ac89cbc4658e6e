/** Records of one partition that follow one another: what a packed backup keeps in one entry, and what is restored in one request. */
import {
  ByteWriter,
  countRecords,
  hasMore,
  lengthOf,
  offsetOf,
  readBatchHead,
  writeDeliveryHead,
  BATCH_KIND,
} from "@ringcast/protocol";

/** A run is closed at the end of the batch behind this many bytes, … */
const RUN_BYTES = 262_144;
/** … or, in a batch that is longer, at this many. */
const MAX_RUN_BYTES = 1_048_576;

export interface RunPlace {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
}

export interface RecordRun extends RunPlace {
  /** Offset of the first record. */
  readonly first: number;
  /** Offset behind the last. */
  readonly next: number;
  /** One behind the other, as they stand in a log. */
  readonly records: Uint8Array;
}

/** Collects records into runs. */
export class RunBuilder {
  readonly #records = new ByteWriter(RUN_BYTES);
  #place: RunPlace | undefined;
  #first = 0;
  #next = 0;

  /** The run before, when this record can't go on with it; undefined where it can. To be asked for each record before {@link add}. */
  endBefore(place: RunPlace, offset: number): RecordRun | undefined {
    const before = this.#place;
    if (before === undefined) return undefined;
    const isSame = before.topic === place.topic && before.partition === place.partition && before.epoch === place.epoch;
    return isSame && offset === this.#next && !this.#isFull() ? undefined : this.end();
  }

  /** Adds the record whose bytes are `bytes[from]` to `bytes[to - 1]`. */
  add(place: RunPlace, offset: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.#place === undefined) {
      this.#place = place;
      this.#first = offset;
    }
    this.#records.copy(bytes, from, to);
    this.#next = offset + 1;
  }

  /** What has been collected, if anything; begins anew. */
  end(): RecordRun | undefined {
    if (this.#place === undefined) return undefined;
    const { topic, partition, epoch } = this.#place;
    const run = { topic, partition, epoch, first: this.#first, next: this.#next, records: this.#records.take() };
    this.#records.clear();
    this.#place = undefined;
    return run;
  }

  #isFull(): boolean {
    const { length, bytes } = this.#records;
    if (length < RUN_BYTES) return false;
    return length >= MAX_RUN_BYTES || !hasMore(new DataView(bytes.buffer), lastRecordAt(bytes, length));
  }
}

/** A run as a delivery frame of the binary dialect. */
export function encodeRun({ topic, partition, epoch, first, next, records }: RecordRun): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(records.length + 1024);
  writeDeliveryHead(writer, { subscription: 0, topic, partition, epoch, next, count: next - first });
  writer.copy(records);
  return writer.take();
}

/** The run that a delivery frame holds; undefined where it is none, or its records don't follow one another. */
export function decodeRun(frame: Uint8Array): RecordRun | undefined {
  const head = readBatchHead(frame);
  if (head === undefined || head.kind !== BATCH_KIND.delivery) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const { topic, partition, name: epoch, recordsAt, count } = head;
  if (count === 0 || countRecords(view, recordsAt, frame.length) !== count) return undefined;
  const first = offsetOf(view, recordsAt);
  let next = first;
  for (let at = recordsAt; at < frame.length; at += lengthOf(view, at), next++) {
    if (offsetOf(view, at) !== next) return undefined;
  }
  return { topic, partition, epoch, first, next, records: frame.subarray(recordsAt) };
}

/** What of a run lies at `offset` and behind it; undefined where that is nothing. */
export function runFrom(run: RecordRun, offset: number): RecordRun | undefined {
  if (offset <= run.first) return run;
  if (offset >= run.next) return undefined;
  const { records } = run;
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  let at = 0;
  for (let left = offset - run.first; left > 0; left--) at += lengthOf(view, at);
  return { ...run, first: offset, records: records.subarray(at) };
}

function lastRecordAt(bytes: Uint8Array<ArrayBuffer>, end: number): number {
  const view = new DataView(bytes.buffer);
  let last = 0;
  for (let at = 0; at < end; at += lengthOf(view, at)) last = at;
  return last;
}
