import type { IncomingMessage } from "node:http";
import { RequestHead } from "../request-head.js";

/** Copies a request's head. `target` is what the request line said. */
export function copyHead(request: IncomingMessage): RequestHead {
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let at = 0; at < raw.length; at += 2) {
    headers.push((raw[at] ?? "").toLowerCase(), utf8(raw[at + 1] ?? ""));
  }
  const target = utf8(targetOf(request));
  const path = target.replace(/^https?:\/\/[^/?#]+/i, "");
  const queryAt = path.indexOf("?");
  const method = request.method ?? "GET";
  if (queryAt < 0) return new RequestHead(method, path || "/", "", headers);
  return new RequestHead(method, path.slice(0, queryAt) || "/", path.slice(queryAt + 1), headers);
}

/** The request line's target. */
export function targetOf(request: IncomingMessage): string {
  return request.url ?? "/";
}

/** Node reads the head as Latin-1; everybody else means UTF-8. */
function utf8(text: string): string {
  return /[\x80-\xff]/.test(text) ? Buffer.from(text, "latin1").toString("utf8") : text;
}
