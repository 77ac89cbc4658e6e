/**
 * What operators see of readers: which gate holds each cursor, and how far it is behind. Counted when somebody asks; nothing is kept for it.
 */
import type { CursorReport, CursorStateName, HubStats, Lag, SubscriptionReport } from "./port.js";
import type { Cursor } from "./cursor.js";
import type { HubReader } from "./reader.js";
import { epochAt } from "./start.js";
import type { Subscription } from "./subscription.js";

/** Cursors that the report of a subscription names. */
const MAX_NAMED_CURSORS = 100;

const NO_LAG: Lag = { records: 0, bytes: 0, ms: 0 };

/** Gauges over all cursors. */
export type CursorGauges = Pick<HubStats, "cursorStates" | "lagSum" | "lagMax">;

/** Looks at each cursor of each reader: costs one page touched for each that is behind. */
export function gaugesOf(readers: Iterable<HubReader>, nowMs: number): CursorGauges {
  const cursorStates = { live: 0, "catching-up": 0, "waiting-for-window": 0, "waiting-for-drain": 0 };
  let lagSum = NO_LAG;
  let lagMax = NO_LAG;
  for (const reader of readers) {
    for (const subscription of reader.subscriptions()) {
      for (const cursor of cursorsOf(subscription)) {
        const state = stateOf(cursor);
        cursorStates[state] += 1;
        if (state === "live") continue;
        const lag = lagOf(cursor, nowMs);
        lagSum = { records: lagSum.records + lag.records, bytes: lagSum.bytes + lag.bytes, ms: lagSum.ms + lag.ms };
        lagMax = maxOf(lagMax, lag);
      }
    }
  }
  return { cursorStates, lagSum, lagMax };
}

/** A row of {@link Reader.report}. */
export function reportOf(subscription: Subscription, nowMs: number): SubscriptionReport {
  const { terms, readings } = subscription;
  const reports = [...cursorsOf(subscription)].map((cursor) => cursorReport(cursor, nowMs));
  reports.sort((a, b) => b.lag.records - a.lag.records);
  const [furthest] = reports;
  let lag = NO_LAG;
  for (const { lag: its } of reports) {
    lag = { records: lag.records + its.records, bytes: lag.bytes + its.bytes, ms: Math.max(lag.ms, its.ms) };
  }
  return {
    subscription: subscription.number,
    topic: terms.pattern === undefined ? readings.values().next().value?.topic.name : undefined,
    pattern: terms.pattern,
    since: subscription.since,
    window: terms.window,
    unacknowledged: subscription.unacknowledged,
    filter: terms.filter,
    until: terms.until,
    state: furthest?.state ?? "live",
    lag,
    deliveredRecords: subscription.deliveredRecords,
    cursorCount: reports.length,
    cursors: reports.slice(0, MAX_NAMED_CURSORS),
  };
}

function* cursorsOf(subscription: Subscription): Generator<Cursor> {
  for (const { cursors } of subscription.readings.values()) yield* cursors;
}

function cursorReport(cursor: Cursor, nowMs: number): CursorReport {
  const { feed, offset } = cursor;
  const { log, nextEpoch } = feed;
  const state = stateOf(cursor);
  return {
    topic: feed.topic.name,
    partition: feed.partition,
    epoch: log === undefined ? nextEpoch : epochAt(log.lineage, offset),
    next: offset,
    head: log?.head ?? 0,
    tail: log?.tail ?? 0,
    state,
    lag: state === "live" ? NO_LAG : lagOf(cursor, nowMs),
  };
}

/** The gate that holds a cursor. One whose socket is full waits for that, whatever else. */
function stateOf(cursor: Cursor): CursorStateName {
  const { feed, state, reading } = cursor;
  const isBehind = cursor.offset < Math.min(feed.log?.head ?? 0, cursor.end) || cursor.pendingGap !== undefined;
  if (!isBehind) return "live";
  if (reading.subscription.reader.isBlocked) return "waiting-for-drain";
  return state === "waiting" ? "waiting-for-window" : "catching-up";
}

/** What a reader will never get, since the tail has passed it, is no lag but a gap. */
function lagOf(cursor: Cursor, nowMs: number): Lag {
  const { log } = cursor.feed;
  if (log === undefined) return NO_LAG;
  const offset = Math.max(cursor.offset, log.tail);
  const end = Math.min(log.head, cursor.end);
  if (offset >= end) return NO_LAG;
  const isPlaced = cursor.address >= log.tailAddress && offset === cursor.offset;
  const place = { offset, address: isPlaced ? cursor.address : log.addressOf(offset) };
  const endAddress = end === log.head ? log.headAddress : log.addressOf(end);
  return {
    records: end - offset,
    bytes: endAddress - place.address,
    ms: Math.max(0, nowMs - log.timestampAt(place)),
  };
}

function maxOf(a: Lag, b: Lag): Lag {
  return {
    records: Math.max(a.records, b.records),
    bytes: Math.max(a.bytes, b.bytes),
    ms: Math.max(a.ms, b.ms),
  };
}
