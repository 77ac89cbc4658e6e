/** The route that reads a page of what is stored. */
import { isEpoch, MAX_PARTITIONS, RingcastError, shown, type TopicStart } from "@ringcast/protocol";
import type { HistoryPage, Hub } from "../hub/index.js";
import { json } from "./answer.js";
import { Query, type QueryStart } from "./query.js";
import type { Route } from "./router.js";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

export function historyRoute(hub: Hub): Route {
  return {
    method: "GET",
    path: "/v1/topics/:topic/messages",
    handle: ({ exchange, params }) => {
      const query = new Query(exchange.query);
      const partition = query.integer("partition", { min: 0, max: MAX_PARTITIONS - 1, absent: 0 });
      const limit = query.integer("limit", { min: 1, max: MAX_LIMIT, absent: DEFAULT_LIMIT });
      const topic = params["topic"] ?? "";
      const from = startOf(query, { hub, topic, partition });
      const input = { topic, partition, from, until: query.until(), filter: query.filter(), limit };
      return json(200, bodyOf(hub.history(input, "json")));
    },
  };
}

interface Place {
  readonly hub: Hub;
  readonly topic: string;
  readonly partition: number;
}

/** With an epoch the start is a position: where the epoch doesn't hold there any more, the page tells a gap. */
function startOf(query: Query, place: Place): TopicStart {
  const from = query.start("earliest");
  const epoch = query.text("epoch");
  if (epoch === undefined) return from;
  if (!isEpoch(epoch)) throw new RingcastError("bad_request", `${shown(epoch)} is no epoch.`, { field: "epoch" });
  const offset = typeof from === "object" ? offsetOf(from) : endOf(place, from);
  return offset === undefined ? from : { positions: { [place.partition]: { epoch, offset } } };
}

function offsetOf(from: Exclude<QueryStart, string>): number {
  if ("offset" in from) return from.offset;
  throw new RingcastError("bad_request", "Give epoch with an offset as from: a time or a number has none.", {
    field: "epoch",
  });
}

/** The offset that `earliest` or `latest` means now; undefined where there is no such partition. */
function endOf({ hub, topic, partition }: Place, end: "earliest" | "latest"): number | undefined {
  const state = hub.describe(topic).partitions[partition];
  return end === "earliest" ? state?.tail : state?.head;
}

/** The messages are JSON already and are put in as bytes. */
function bodyOf(page: HistoryPage): Uint8Array {
  const { next, head, tail, gap } = page;
  const rest = JSON.stringify({
    next: next.offset,
    head,
    tail,
    epoch: next.epoch,
    ...(gap === undefined ? {} : { gap }),
  });
  return Buffer.concat([Buffer.from('{"messages":'), page.messages, Buffer.from(`,${rest.slice(1)}`)]);
}
