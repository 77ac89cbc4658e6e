/**
 * How every answer looks: JSON bodies, one error body for all routes, and the headers that none may lack.
 */
import { RingcastError, statusOf, type ErrorCode } from "@ringcast/protocol";
import type { Exchange, HttpResponse } from "./exchange.js";

type Headers = Readonly<Record<string, string>>;

/** An answer before it is finished. */
export interface Answer extends Partial<Pick<HttpResponse, "headers" | "body">> {
  readonly status: number;
  readonly volatile?: false;
}

/** An answer whose bytes the next one writes over: it is sent in the call that makes it, or never. */
export interface VolatileAnswer extends Omit<Answer, "volatile"> {
  readonly volatile: true;
}

const JSON_TYPE = "application/json; charset=utf-8";
const DEFAULT_RETRY_AFTER_MS = 1000;
const COMMON = { "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store" };
/** All that nearly every answer carries, frozen so that transports keep what it comes to. */
export const JSON_HEADERS = Object.freeze({ ...COMMON, "Content-Type": JSON_TYPE });

/** What every answer to a request carries, where that is nothing more than what all have. */
export const NO_HEADERS: Headers = Object.freeze({});

/** A JSON answer. Bytes are taken for JSON already. */
export function json(status: number, body: unknown, headers: Headers = NO_HEADERS): Answer {
  const text = body instanceof Uint8Array ? body : JSON.stringify(body);
  return { status, headers: headers === NO_HEADERS ? JSON_HEADERS : { ...JSON_HEADERS, ...headers }, body: text };
}

/** An error that HTTP has a nearer status for than the table: a wrong method (405), content type (415), protocol (426). */
export class HttpError extends RingcastError {
  readonly status: number;
  readonly headers: Headers;

  constructor(status: number, message: string, options: { code?: ErrorCode; field?: string; headers?: Headers } = {}) {
    super(options.code ?? "bad_request", message, options.field === undefined ? {} : { field: options.field });
    this.status = status;
    this.headers = options.headers ?? NO_HEADERS;
  }
}

/** The answer that tells an error. */
export function errorAnswer(error: RingcastError): Answer {
  const status = error instanceof HttpError ? error.status : statusOf(error.code);
  return json(status, error.toBody(), {
    ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="ringcast"' } : {}),
    ...(status === 429 || status === 503 ? { "Retry-After": retryAfter(error) } : {}),
    ...(error instanceof HttpError ? error.headers : {}),
  });
}

/** Sends an answer. `headers` are those that every answer to this request carries, e.g. CORS. */
export function send(exchange: Exchange, answer: Answer | VolatileAnswer, headers: Headers): void {
  if (headers === NO_HEADERS && isFinished(answer)) {
    exchange.respond(answer);
    return;
  }
  const { status, body = "", headers: own, volatile = false } = answer;
  exchange.respond({ status, headers: { ...COMMON, ...headers, ...own }, body, volatile });
}

/** Whether it has all that an answer needs, as nearly every one. */
function isFinished(answer: Answer | VolatileAnswer): answer is (Answer | VolatileAnswer) & HttpResponse {
  return answer.headers === JSON_HEADERS && answer.body !== undefined;
}

/** Whole seconds, at least one. */
function retryAfter(error: RingcastError): string {
  const { retryAfterMs } = error.details;
  const waitMs = typeof retryAfterMs === "number" ? retryAfterMs : DEFAULT_RETRY_AFTER_MS;
  return String(Math.max(1, Math.ceil(waitMs / 1000)));
}

/** The JSON body of an error that a transport answers by itself. */
export function errorBody(code: string, message: string): string {
  return JSON.stringify({ code, message });
}
