/** The route that reads a page of what is stored. */
import { isEpoch, MAX_PARTITIONS, RingcastError, shown, type TopicStart } from "@ringcast/protocol";
import type { HistoryPage, Hub } from "../hub/index.js";
import { json } from "./answer.js";
import { Query } from "./query.js";
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
      const from = startOf(query, partition);
      return json(200, bodyOf(hub.history({ topic: params["topic"] ?? "", partition, from, limit })));
    },
  };
}

/** With an epoch the offset is a position: where the epoch doesn't hold there any more, the page tells a gap. */
function startOf(query: Query, partition: number): TopicStart {
  const from = query.start("from", "earliest");
  const epoch = query.text("epoch");
  if (epoch === undefined) return from;
  if (!isEpoch(epoch)) throw new RingcastError("invalid_offset", `${shown(epoch)} is no epoch.`, { field: "epoch" });
  if (typeof from === "object") return { positions: { [partition]: { epoch, offset: from.offset } } };
  throw new RingcastError("bad_request", "With epoch, from must be an offset.", { field: "from" });
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
