import type * as uWebSockets from "uWebSockets.js";
import { RequestHead } from "../request-head.js";

/** Those of the request that is being copied, from the first to `length - 1`. */
const collected: string[] = [];
let length = 0;

function collect(name: string, value: string): void {
  collected[length++] = name;
  collected[length++] = value;
}

/** Copies all of a request's head: the library's object is dead as soon as its handler has returned. */
export function copyHead(request: uWebSockets.HttpRequest): RequestHead {
  length = 0;
  request.forEach(collect);
  // A list that grows would take room for 17 at least.
  const headers = collected.slice(0, length);
  const method = request.getCaseSensitiveMethod();
  // `undefined` where there is no question mark, against its type.
  const query = (request.getQuery() as string | undefined) ?? "";
  return new RequestHead(method, request.getUrl(), query, headers);
}
