/** Routes that show operators who is connected, what each reads, how far it is behind and which gate holds it; and that disconnect one. */
import { RingcastError, shown } from "@ringcast/protocol";
import type { SubscriptionReport } from "../hub/index.js";
import type { ConnectionReport } from "../session/index.js";
import { json, type Answer } from "./answer.js";
import type { StreamReport } from "./event-stream.js";
import { ID_PREFIX, type EventStreams } from "./events.js";
import type { Call, HttpOptions } from "./port.js";
import { Query } from "./query.js";
import type { Route } from "./router.js";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
/** Connections that one page of subscriptions looks at, so that idle ones by the hundred thousand take several pages, not one long turn. */
const MAX_SCANNED = 1000;

type Sessions = HttpOptions["sessions"];
type Row = ConnectionReport | StreamReport;

export function connectionRoutes(sessions: Sessions, streams: EventStreams): readonly Route[] {
  const readers = new Readers(sessions, streams);
  const path = "/v1/connections/:id";
  return [
    { method: "GET", path: "/v1/connections", handle: (call) => list(readers, call) },
    { method: "GET", path, handle: ({ params }) => json(200, readers.details(params["id"] ?? "")) },
    { method: "DELETE", path, handle: ({ params }) => readers.disconnect(params["id"] ?? "") },
    { method: "GET", path: "/v1/subscriptions", handle: (call) => listSubscriptions(readers, call) },
  ];
}

function list(readers: Readers, { exchange }: Call): Answer {
  const query = new Query(exchange.query);
  const limit = limitOf(query);
  const connections = readers.page(query.text("after"), limit);
  return json(200, { connections, next: connections.length < limit ? null : (connections.at(-1)?.id ?? null) });
}

/** A page ends behind a subscription (`<connection>:<subscription>`) or, when it has looked at enough connections, behind one of them. */
function listSubscriptions(readers: Readers, { exchange }: Call): Answer {
  const query = new Query(exchange.query);
  const limit = limitOf(query);
  const [connection, subscription] = (query.text("after") ?? "").split(":", 2);
  const after = connection === "" ? undefined : connection;
  const found: ({ connection: string } & SubscriptionReport)[] = [];
  if (after !== undefined && subscription !== undefined) {
    const rest = readers.subscriptions(after).filter((report) => report.subscription > Number(subscription));
    found.push(...rest.map((report) => ({ connection: after, ...report })));
  }
  const scanned = readers.page(after, MAX_SCANNED);
  for (const { id } of scanned) {
    if (found.length > limit) break;
    found.push(...readers.subscriptions(id).map((report) => ({ connection: id, ...report })));
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  if (found.length > limit && last !== undefined) {
    return json(200, { subscriptions: page, next: `${last.connection}:${last.subscription}` });
  }
  const isAll = scanned.length < MAX_SCANNED;
  return json(200, { subscriptions: page, next: isAll ? null : (scanned.at(-1)?.id ?? null) });
}

function limitOf(query: Query): number {
  return query.integer("limit", { min: 1, max: MAX_PAGE, absent: DEFAULT_PAGE });
}

/** WebSocket connections, then event streams, each in the order they opened. */
class Readers {
  readonly #sessions: Sessions;
  readonly #streams: EventStreams;

  constructor(sessions: Sessions, streams: EventStreams) {
    this.#sessions = sessions;
    this.#streams = streams;
  }

  page(after: string | undefined, limit: number): readonly Row[] {
    if (after?.startsWith(ID_PREFIX) === true) return this.#streams.reports(after, limit);
    const connections = this.#sessions.connections(after, limit);
    const left = limit - connections.length;
    return left === 0 ? connections : [...connections, ...this.#streams.reports(undefined, left)];
  }

  subscriptions(id: string): readonly SubscriptionReport[] {
    if (id.startsWith(ID_PREFIX)) return this.#streams.stream(id)?.subscriptionReports() ?? [];
    return this.#sessions.connection(id)?.subscriptionReports ?? [];
  }

  details(id: string): object {
    const stream = this.#streams.stream(id);
    if (stream !== undefined) return { ...stream.report(), subscriptions: stream.subscriptionReports() };
    const connection = this.#sessions.connection(id);
    if (connection === undefined) throw unknown(id);
    const { subscriptionReports, ...report } = connection;
    return { ...report, subscriptions: subscriptionReports };
  }

  disconnect(id: string): Answer {
    const stream = this.#streams.stream(id);
    if (stream !== undefined) stream.terminate();
    else if (!this.#sessions.disconnect(id, "An operator ended this connection.")) throw unknown(id);
    return { status: 204 };
  }
}

function unknown(id: string): RingcastError {
  return new RingcastError(
    "unknown_connection",
    `There is no open connection ${shown(id)}; GET /v1/connections lists them.`,
  );
}
