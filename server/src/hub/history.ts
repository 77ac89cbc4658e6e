/**
 * Pages of stored records for who does not subscribe.
 */
import {
  ByteWriter,
  RingcastError,
  lengthOf,
  shown,
  writeMessage,
  writeMessageSeparator,
  type Gap,
} from "@ringcast/protocol";
import { emptyResult, type LogCursor, type ReadResult, type RingLog } from "../log/index.js";
import { CompiledFilter } from "./filter.js";
import type { DeliveryDialect, HistoryInput, HistoryPage } from "./port.js";
import { BLOCK_BYTES } from "./segment.js";
import { beginningOf, epochAt } from "./start.js";
import type { Feed, Topic } from "./topic.js";
import { endOf } from "./until.js";

const PAGE_BYTES = 1_048_576;
/** A filter may leave out nearly everything: a page looks at so much of the log, and says where it stands. */
const PAGE_LOOKED_AT_BYTES = 8_388_608;

/** How a page is written. */
export type HistoryDialect = Exclude<DeliveryDialect, "events">;

/** A page being filled. */
interface Page {
  readonly dialect: HistoryDialect;
  readonly feed: Feed;
  readonly log: RingLog;
  readonly cursor: LogCursor;
  readonly filter: CompiledFilter | undefined;
  readonly limit: number;
  /** Reading ends before this offset. */
  readonly end: number;
  readonly writer: ByteWriter;
  count: number;
  /** Of its messages: one for all of them, so that each has a position. */
  epoch: string;
  lookedAtBytes: number;
  gap: Gap | undefined;
}

/**
 * Reads a page of at most `limit` records and about 1 MiB, all of one epoch. A gap stands before its first message, or ends it.
 *
 * @param nowMs wall clock
 * @throws RingcastError `invalid_offset`, `bad_request`
 */
export function readHistory(topic: Topic, input: HistoryInput, dialect: HistoryDialect, nowMs: number): HistoryPage {
  const { partition, from, limit, until } = input;
  const feed = topic.feeds[partition];
  const log = feed?.log;
  if (feed === undefined || log === undefined) {
    const message = `Topic ${shown(topic.name)} has no partition ${shown(partition)}: use 0 to ${topic.feeds.length - 1}.`;
    throw new RingcastError("bad_request", message, { field: "partition" });
  }
  log.ensureKnown();
  const { offset, stoodAt } = beginningOf(log, from, partition);
  const page: Page = {
    dialect,
    feed,
    log,
    // Answers keep the order of their requests, so that a page can't wait for a block.
    cursor: { offset, address: -1, mapped: true },
    filter: input.filter === undefined ? undefined : new CompiledFilter(input.filter),
    limit,
    end: endOf(log, until, nowMs),
    writer: new ByteWriter(),
    count: 0,
    epoch: "",
    lookedAtBytes: 0,
    gap: undefined,
  };
  if (stoodAt !== undefined) page.gap = gapOf(page, "epoch", stoodAt.offset, stoodAt.offset);
  if (dialect === "json") page.writer.text("[");
  fill(page);
  if (dialect === "json") page.writer.text("]");
  const { cursor, gap } = page;
  const epoch = page.count > 0 ? page.epoch : epochAt(log.lineage, cursor.offset);
  return {
    messages: page.writer.take(),
    partition,
    next: { epoch, offset: cursor.offset },
    head: log.head,
    tail: log.tail,
    gap,
  };
}

function fill(page: Page): void {
  const { cursor, log, filter, limit, end, writer } = page;
  const result = emptyResult();
  while (page.count < limit && cursor.offset < end && writer.length < PAGE_BYTES) {
    if (page.lookedAtBytes >= PAGE_LOOKED_AT_BYTES) return;
    const limitOffset = filter === undefined ? Math.min(cursor.offset + limit - page.count, end) : end;
    switch (log.read(cursor, BLOCK_BYTES, limitOffset, result)) {
      case "records":
        if (page.count > 0 && result.epoch !== page.epoch) return;
        page.epoch = result.epoch;
        page.lookedAtBytes += result.end - result.start;
        if (!writeRecords(page, result)) return;
        break;
      case "below-tail":
        if (!skip(page, "retention", result.nextOffset, -1)) return;
        break;
      case "corrupt":
        if (!skip(page, "corrupt", result.nextOffset, result.nextAddress)) return;
        break;
      case "end":
      case "pending":
        return;
    }
  }
}

/** @returns false when the page ends here */
function writeRecords(page: Page, result: ReadResult): boolean {
  const { cursor, log, filter } = page;
  const { bytes, view, start, end } = result;
  for (let place = start; place < end; place += lengthOf(view, place)) {
    const next = place + lengthOf(view, place);
    const nextAddress = next === end ? result.nextAddress : result.address + next - start;
    if (!log.isIntact(result, place)) return skip(page, "corrupt", cursor.offset + 1, nextAddress);
    if (filter === undefined || filter.matches(bytes, view, place)) {
      if (page.count === page.limit || !writeRecord(page, result, place)) return false;
      page.count += 1;
    }
    cursor.offset += 1;
    cursor.address = nextAddress;
  }
  return true;
}

/** @returns false where there is no room for it on the page */
function writeRecord({ writer, count, dialect }: Page, { bytes, view }: ReadResult, place: number): boolean {
  const before = writer.length;
  if (dialect === "msgpack") {
    writer.copy(bytes, place, place + lengthOf(view, place));
  } else {
    if (count > 0) writeMessageSeparator(writer);
    writeMessage(writer, bytes, view, place);
  }
  if (writer.length <= PAGE_BYTES || count === 0) return true;
  writer.length = before;
  return false;
}

/** Goes past records that will not come: at the beginning of a page only, and where they touch what is missing already. */
function skip(page: Page, reason: "retention" | "corrupt", next: number, nextAddress: number): boolean {
  const { cursor, gap } = page;
  const continues = gap?.reason === reason && gap.next === cursor.offset;
  if (page.count > 0 || (gap !== undefined && !continues)) return false;
  const from = continues ? gap.from : cursor.offset;
  cursor.offset = next;
  cursor.address = nextAddress;
  page.gap = gapOf(page, reason, from, next - 1);
  return true;
}

function gapOf({ feed, log, cursor }: Page, reason: Gap["reason"], from: number, to: number): Gap {
  const epoch = epochAt(log.lineage, cursor.offset);
  return { topic: feed.topic.name, partition: feed.partition, from, to, reason, epoch, next: cursor.offset };
}
