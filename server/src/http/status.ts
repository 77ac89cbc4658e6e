/** Routes for whoever watches over the hub. */
import { RingcastError } from "@ringcast/protocol";
import { json } from "./answer.js";
import type { HttpOptions } from "./port.js";
import type { Route } from "./router.js";

export function statusRoutes({ notReady, metrics }: Pick<HttpOptions, "notReady" | "metrics">): readonly Route[] {
  return [
    { method: "GET", path: "/healthz", open: true, handle: () => json(200, { status: "alive" }) },
    {
      method: "GET",
      path: "/readyz",
      open: true,
      handle: () => {
        const obstacle = notReady();
        if (obstacle !== undefined) throw new RingcastError(obstacle.code, obstacle.reason);
        return json(200, { status: "ready" });
      },
    },
    {
      method: "GET",
      path: "/metrics",
      handle: async () => ({
        status: 200,
        headers: { "Content-Type": metrics.contentType },
        body: await metrics.text(),
      }),
    },
  ];
}
