/** What `ringcast top` shows: the hub at one moment, and what changed since the moment before. */
import { request, send, type HubAddress } from "../hub-access.js";
import { parseMetrics } from "./metrics-text.js";

const PAGE_SIZE = 1000;
/** A hub with more is shown in part: asking for all of them every two seconds would cost it more than it tells. */
const MAX_PAGES = 5;

/** Totals of the hub; rates are per second since the snapshot before, 0 in the first. */
export interface Totals {
  readonly version: string;
  readonly connections: number;
  readonly streams: number;
  readonly subscriptions: number;
  readonly topics: number;
  readonly logBytes: number;
  readonly memoryBytes: number;
  readonly appendedPerSecond: number;
  readonly deliveredPerSecond: number;
  readonly deliveredBytesPerSecond: number;
  readonly gaps: number;
  readonly failedPartitions: number;
}

/** A subscription, or a connection that has none. */
export interface Row {
  readonly connection: string;
  readonly address: string;
  readonly subject: string | undefined;
  readonly dialect: string;
  /** Topic or pattern; undefined where the connection has no subscription. */
  readonly topic: string | undefined;
  /** What holds its cursors; undefined without subscription. */
  readonly state: string | undefined;
  readonly lagRecords: number;
  readonly lagBytes: number;
  readonly lagMs: number;
  readonly deliveredPerSecond: number;
  readonly bufferedBytes: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface Snapshot {
  /** Milliseconds since 1970, of this machine. */
  readonly time: number;
  readonly totals: Totals;
  /** The furthest behind first. */
  readonly rows: readonly Row[];
  /** There are more connections or subscriptions than were asked for. */
  readonly isPartial: boolean;
}

/** Takes snapshots one after the other, for the rates. */
export class Sampler {
  readonly #address: HubAddress;
  readonly #now: () => number;
  #counters: Counters | undefined;

  /** @param now milliseconds since 1970 */
  constructor(address: HubAddress, now: () => number) {
    this.#address = address;
    this.#now = now;
  }

  /** @throws RingcastError what the hub refuses with; `unavailable` when no hub answers */
  async take(): Promise<Snapshot> {
    const [metrics, connections, subscriptions] = await Promise.all([
      send(this.#address, "GET", "/metrics"),
      allOf<ConnectionEntry>(this.#address, "connections"),
      allOf<SubscriptionEntry>(this.#address, "subscriptions"),
    ]);
    const time = this.#now();
    const { sum, label } = parseMetrics(metrics.text);
    const before = this.#counters;
    const counters: Counters = {
      time,
      appended: sum("ringcast_appended_records_total"),
      delivered: sum("ringcast_delivered_records_total"),
      deliveredBytes: sum("ringcast_delivered_bytes_total"),
      bySubscription: new Map(subscriptions.entries.map((entry) => [keyOf(entry), entry.deliveredRecords])),
    };
    this.#counters = counters;
    const rate = rateBetween(before, counters);
    const totals: Totals = {
      version: label("ringcast_build_info", "version") ?? "?",
      connections: sum("ringcast_connections"),
      streams: sum("ringcast_event_streams"),
      subscriptions: sum("ringcast_subscriptions"),
      topics: sum("ringcast_topics"),
      logBytes: sum("ringcast_log_bytes"),
      memoryBytes: sum("process_resident_memory_bytes"),
      appendedPerSecond: rate(before?.appended, counters.appended),
      deliveredPerSecond: rate(before?.delivered, counters.delivered),
      deliveredBytesPerSecond: rate(before?.deliveredBytes, counters.deliveredBytes),
      gaps: sum("ringcast_gaps_total"),
      failedPartitions: sum("ringcast_log_failed_partitions"),
    };
    const toRow = (entry: SubscriptionEntry, connection: ConnectionEntry | undefined): Row =>
      rowOf(entry, connection, rate(before?.bySubscription.get(keyOf(entry)), entry.deliveredRecords));
    const rows = rowsOf(connections.entries, subscriptions.entries, toRow);
    return { time, totals, rows, isPartial: connections.isPartial || subscriptions.isPartial };
  }
}

/** Answer of `GET /v1/connections`, in part. */
interface ConnectionEntry {
  readonly id: string;
  readonly remoteAddress: string;
  readonly subject?: string;
  readonly dialect: string;
  readonly since: number;
  readonly bufferedBytes: number;
}

/** Answer of `GET /v1/subscriptions`, in part. */
interface SubscriptionEntry {
  readonly connection: string;
  readonly subscription: number;
  readonly topic?: string;
  readonly pattern?: string;
  readonly since: number;
  readonly state: string;
  readonly lag: { readonly records: number; readonly bytes: number; readonly ms: number };
  readonly deliveredRecords: number;
}

interface Counters {
  readonly time: number;
  readonly appended: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly bySubscription: ReadonlyMap<string, number>;
}

/** What came to be per second; 0 where there is nothing to compare with, and after a restart of the hub. */
function rateBetween(before: Counters | undefined, after: Counters): (from: number | undefined, to: number) => number {
  const seconds = before === undefined ? 0 : (after.time - before.time) / 1000;
  return (from, to) => (from === undefined || seconds <= 0 ? 0 : Math.max(0, to - from) / seconds);
}

function keyOf({ connection, subscription }: SubscriptionEntry): string {
  return `${connection} ${subscription}`;
}

function rowsOf(
  connections: readonly ConnectionEntry[],
  subscriptions: readonly SubscriptionEntry[],
  toRow: (entry: SubscriptionEntry, connection: ConnectionEntry | undefined) => Row,
): Row[] {
  const byId = new Map(connections.map((entry) => [entry.id, entry]));
  const rows = subscriptions.map((entry) => toRow(entry, byId.get(entry.connection)));
  const reading = new Set(subscriptions.map(({ connection }) => connection));
  const others = connections.filter(({ id }) => !reading.has(id)).map((entry) => idleRow(entry));
  return [...rows, ...others].sort(
    (a, b) => b.lagRecords - a.lagRecords || b.deliveredPerSecond - a.deliveredPerSecond || a.since - b.since,
  );
}

function rowOf(entry: SubscriptionEntry, connection: ConnectionEntry | undefined, deliveredPerSecond: number): Row {
  const { topic, pattern, state, lag, since } = entry;
  return {
    connection: entry.connection,
    address: connection?.remoteAddress ?? "",
    subject: connection?.subject,
    dialect: connection?.dialect ?? "",
    topic: topic ?? pattern,
    state,
    lagRecords: lag.records,
    lagBytes: lag.bytes,
    lagMs: lag.ms,
    deliveredPerSecond,
    bufferedBytes: connection?.bufferedBytes ?? 0,
    since,
  };
}

function idleRow({ id, remoteAddress, subject, dialect, since, bufferedBytes }: ConnectionEntry): Row {
  const nothing = { topic: undefined, state: undefined, lagRecords: 0, lagBytes: 0, lagMs: 0, deliveredPerSecond: 0 };
  return { connection: id, address: remoteAddress, subject, dialect, since, bufferedBytes, ...nothing };
}

/** All entries of a list, page by page, up to {@link MAX_PAGES}. */
async function allOf<Entry>(
  address: HubAddress,
  list: "connections" | "subscriptions",
): Promise<{ readonly entries: readonly Entry[]; readonly isPartial: boolean }> {
  const entries: Entry[] = [];
  let after = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = (await request(address, "GET", `/v1/${list}?limit=${PAGE_SIZE}${after}`)) as ListPage<Entry>;
    entries.push(...(answer[list] ?? []));
    if (answer.next === null) return { entries, isPartial: false };
    after = `&after=${encodeURIComponent(answer.next)}`;
  }
  return { entries, isPartial: true };
}

type ListPage<Entry> = Readonly<Partial<Record<"connections" | "subscriptions", readonly Entry[]>>> & {
  readonly next: string | null;
};
