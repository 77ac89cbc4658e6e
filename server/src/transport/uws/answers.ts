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

/**
 * Status and headers; what frames the body is the library's. All goes out as the status, in one call into the library: each costs as much as its whole work on a
 * short line, and so does text against bytes.
 */
export function writeHead(response: uWebSockets.HttpResponse, status: number, headers: Headers): void {
  const known = kept.get(headers);
  response.writeStatus(known?.status === status ? known.bytes : headBytes(status, headers));
}

/** The head of an answer. */
interface KeptHead {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** What frozen headers came to last. */
const kept = new WeakMap<Headers, KeptHead>();

function headBytes(status: number, headers: Headers): Uint8Array {
  const names = Object.keys(headers).filter((name) => !isFraming(name));
  const lines = names.map((name) => `${name}: ${safeHeaderValue(headers[name] ?? "")}`);
  const bytes = Buffer.from([statusLine(status), ...lines].join("\r\n"), "latin1");
  if (Object.isFrozen(headers)) kept.set(headers, { status, bytes });
  return bytes;
}

function isFraming(name: string): boolean {
  return /^(?:content-length|transfer-encoding|connection|date)$/i.test(name);
}
