/**
 * Answers that end a request of uWebSockets.js at once, inside its handler.
 */
import type * as uWebSockets from "uWebSockets.js";
import type { HttpResponse } from "../../http/exchange.js";
import type { Refusal } from "../guard.js";
import type { HandshakeAnswer } from "../port.js";
import { safeHeaderValue, statusLine } from "../response-head.js";

type Headers = Readonly<Record<string, string>>;

/**
 * The cork buffer's size. While uWebSockets.js reads a packet, its answers wait there, and the connection is closed
 * only when the whole packet has been carried out: what a doubtful request smuggled behind it would run. An answer
 * over this size leaves at once, and then the close holds at once too.
 */
const CORK_BUFFER_BYTES = 16 * 1024;

/** Answers a request whose framing is in doubt, and cuts the connection before anything behind it is read. */
export function answerAndCut(response: uWebSockets.HttpResponse, refusal: Refusal, body: string): void {
  writeHead(response, refusal.status, { "Content-Type": "application/json", ...refusal.headers });
  // White space behind a JSON document means nothing.
  response.end(body.padEnd(CORK_BUFFER_BYTES + 1, " "), true);
}

/** Refuses a handshake as the application wants it. */
export function answerHandshake(
  response: uWebSockets.HttpResponse,
  answer: Extract<HandshakeAnswer, { readonly accept: false }>,
): void {
  writeHead(response, answer.status, answer.headers);
  response.end(answer.body, true);
}

/** A line's end, which the library adds to a header. */
const LINE_END_BYTES = 2;

/**
 * Writes the whole answer of a connection that is to be closed behind it, while the library goes on to take the request's body: it knows no end of the answer. So
 * the body goes out as a part of the last header's value; the line's end behind it is counted as white space behind JSON.
 */
export function writeUnended(
  response: uWebSockets.HttpResponse,
  answer: HttpResponse,
  { isHead }: { readonly isHead: boolean },
): void {
  writeHead(response, answer.status, answer.headers);
  response.writeHeader("Connection", "close");
  const body = Buffer.from(answer.body);
  const head = `${body.length + LINE_END_BYTES}\r\n`;
  response.writeHeader("Content-Length", isHead ? head : Buffer.concat([Buffer.from(`${head}\r\n`), body]));
}

/** Status and headers; what frames the body is the library's. */
export function writeHead(response: uWebSockets.HttpResponse, status: number, headers: Headers): void {
  response.writeStatus(statusLine(status));
  const { name, rest } = linesOf(headers);
  if (name !== "") response.writeHeader(name, rest);
}

/** All headers as one: each call into the library costs as much as its whole work on a short line. */
interface HeaderLines {
  /** Empty where there are no headers. */
  readonly name: string;
  /** The first one's value, and whole lines for all others. */
  readonly rest: string;
}

/** What frozen headers come to. */
const kept = new WeakMap<Headers, HeaderLines>();

function linesOf(headers: Headers): HeaderLines {
  const known = kept.get(headers);
  if (known !== undefined) return known;
  const names = Object.keys(headers).filter((name) => !isFraming(name));
  const lines = names.map((name) => `${name}: ${safeHeaderValue(headers[name] ?? "")}`).join("\r\n");
  const [name = ""] = names;
  const joined = { name, rest: lines.slice(name.length + 2) };
  if (Object.isFrozen(headers)) kept.set(headers, joined);
  return joined;
}

function isFraming(name: string): boolean {
  return /^(?:content-length|transfer-encoding|connection|date)$/i.test(name);
}
