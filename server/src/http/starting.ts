/** Answers while the logs are being opened: the port is taken already, so that a second hub fails at once. */
import { RingcastError } from "@ringcast/protocol";
import { errorAnswer, json, NO_HEADERS, send } from "./answer.js";
import type { Exchange } from "./exchange.js";

/** What everybody is told until the hub is ready. */
export const STARTING = new RingcastError("unavailable", "The hub is starting: try again in a moment.");

/** `/healthz` says alive, everything else 503. */
export function answerWhileStarting(exchange: Exchange): void {
  send(exchange, exchange.path === "/healthz" ? json(200, { status: "alive" }) : errorAnswer(STARTING), NO_HEADERS);
}
