import type * as uWebSockets from "uWebSockets.js";
import { RequestHead } from "../request-head.js";

/** Those of the request that is being copied. */
let headers: string[] = [];

function collect(name: string, value: string): void {
  headers.push(name, value);
}

/** Copies all of a request's head: the library's object is dead as soon as its handler has returned. */
export function copyHead(request: uWebSockets.HttpRequest): RequestHead {
  headers = [];
  request.forEach(collect);
  const method = request.getCaseSensitiveMethod();
  // `undefined` where there is no question mark, against its type.
  const query = (request.getQuery() as string | undefined) ?? "";
  return new RequestHead(method, request.getUrl(), query, headers);
}
