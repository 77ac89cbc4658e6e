/** The route that puts records back at their own offsets, epoch and times: what `ringcast import` is made of. */
import { MAX_PARTITIONS, RingcastError, shown } from "@ringcast/protocol";
import { json } from "./answer.js";
import { mediaTypeOf } from "./body.js";
import type { HttpOptions } from "./port.js";
import type { Route } from "./router.js";

/** One record-batch frame of kind delivery. @see docs/protocol.md, "Binary dialect" */
const RECORDS_TYPE = "application/vnd.ringcast.records";

export function restoreRoute({ hub, maxBodyBytes }: Pick<HttpOptions, "hub" | "maxBodyBytes">): Route {
  return {
    method: "POST",
    path: "/v1/topics/:topic/partitions/:partition/records",
    handle: ({ exchange, params }) => {
      mediaTypeOf(exchange, [RECORDS_TYPE]);
      const partition = partitionOf(params["partition"] ?? "");
      return {
        maxBytes: maxBodyBytes,
        take: (frame) => json(201, hub.restore(params["topic"] ?? "", partition, frame)),
      };
    },
  };
}

function partitionOf(text: string): number {
  const partition = /^\d{1,4}$/.test(text) ? Number(text) : MAX_PARTITIONS;
  if (partition < MAX_PARTITIONS) return partition;
  const message = `A partition is an integer from 0 to ${MAX_PARTITIONS - 1}, not ${shown(text)}.`;
  throw new RingcastError("bad_request", message, { field: "partition" });
}
