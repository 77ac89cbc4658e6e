/** Routes that list, describe, configure and delete topics. */
import { decodeTopicConfig } from "@ringcast/protocol";
import type { Hub } from "../hub/index.js";
import { json, type Answer } from "./answer.js";
import { smallJson } from "./body.js";
import type { Call } from "./port.js";
import { Query } from "./query.js";
import type { BodyWanted, Route } from "./router.js";

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;

export function topicRoutes(hub: Hub): readonly Route[] {
  const path = "/v1/topics/:topic";
  return [
    { method: "GET", path: "/v1/topics", handle: (call) => list(hub, call) },
    { method: "GET", path, handle: ({ params }) => json(200, hub.describe(params["topic"] ?? "")) },
    { method: "PUT", path, handle: (call) => configure(hub, call) },
    { method: "DELETE", path, handle: (call) => remove(hub, call) },
  ];
}

function list(hub: Hub, { exchange }: Call): Answer {
  const query = new Query(exchange.query);
  const limit = query.integer("limit", { min: 1, max: MAX_PAGE, absent: DEFAULT_PAGE });
  return json(200, hub.listTopics(query.text("after"), limit));
}

function configure(hub: Hub, { exchange, params }: Call): BodyWanted {
  const ifAbsent = exchange.header("if-none-match")?.trim() === "*";
  return smallJson(exchange, (body) => {
    const { created, topic } = hub.putTopic(params["topic"] ?? "", decodeTopicConfig(body === undefined ? {} : body), {
      ifAbsent,
    });
    return json(created ? 201 : 200, topic);
  });
}

function remove(hub: Hub, { params }: Call): Answer {
  hub.deleteTopic(params["topic"] ?? "");
  return { status: 204 };
}
