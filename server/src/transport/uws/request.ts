import type * as uWebSockets from "uWebSockets.js";
import { RequestHead } from "../request-head.js";

/** Copies all of a request's head: the library's object is dead as soon as its handler has returned. */
export function copyHead(request: uWebSockets.HttpRequest): RequestHead {
  const headers: string[] = [];
  request.forEach((name, value) => headers.push(name, value));
  const method = request.getCaseSensitiveMethod();
  // `undefined` where there is no question mark, against its type.
  const query = (request.getQuery() as string | undefined) ?? "";
  return new RequestHead(method, request.getUrl(), query, headers);
}
