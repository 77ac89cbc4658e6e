/**
 * One guard before all routes of both adapters. HTTP libraries are lax in different ways (of two Content-Lengths
 * uWebSockets.js takes the first and runs the rest as a second request); what could be read in two ways is refused here.
 *
 * @see RFC 9112 sections 3.2 and 6.3, RFC 6455 section 4.2.1
 */
import { shown, type ErrorCode } from "@ringcast/protocol";
import type { RequestHead } from "./request-head.js";

/** An answer that the transport gives by itself. The connection is closed after it. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** More headers than this are refused with 431. */
export const MAX_HEADERS = 100;

const DIGITS = /^[0-9]{1,15}$/;
/** 16 bytes in base64: 22 characters and two equals signs; of the last character only two bits count. */
const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/**
 * Judges a request by its method and headers.
 *
 * @param target request target as it came: a path, `*`, or an absolute URI
 * @returns why it is refused, or `undefined`
 */
export function judgeRequest(head: RequestHead, target: string): Refusal | undefined {
  return judgeMethod(head) ?? judgeHost(head, target) ?? judgeFraming(head);
}

/** Whether a request wants to become a WebSocket, well-formed or not. */
export function wantsWebSocket(head: RequestHead): boolean {
  return head.lists("upgrade", "websocket");
}

/** Judges a WebSocket handshake that {@link judgeRequest} has let through. */
export function judgeHandshake(head: RequestHead): Refusal | undefined {
  if (head.method !== "GET") {
    return refusal(405, `Open a WebSocket by GET, not by ${shown(head.method)}.`, { Allow: "GET" });
  }
  if (!head.lists("connection", "upgrade")) {
    return refusal(400, "Send 'Connection: Upgrade' with a WebSocket handshake.");
  }
  const version = head.header("sec-websocket-version");
  if (version !== "13") {
    const message = `Send 'Sec-WebSocket-Version: 13', not ${shown(version ?? "none")}.`;
    return refusal(426, message, { "Sec-WebSocket-Version": "13", Upgrade: "websocket" });
  }
  const key = head.header("sec-websocket-key");
  if (key === undefined || !WEBSOCKET_KEY.test(key)) {
    return refusal(400, `Send a Sec-WebSocket-Key of 16 bytes in base64, not ${shown(key ?? "none")}.`);
  }
  return undefined;
}

/** The answer to a path of WebSockets that was asked for as a plain page. */
export function refusePlainRequest(): Refusal {
  return refusal(426, "Open this path as a WebSocket.", { Upgrade: "websocket", "Sec-WebSocket-Version": "13" });
}

function judgeMethod(head: RequestHead): Refusal | undefined {
  if (head.method !== "TRACE" && head.method !== "CONNECT") return undefined;
  return refusal(405, `Method ${head.method} is not offered.`, { Allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS" });
}

function judgeHost(head: RequestHead, target: string): Refusal | undefined {
  const hosts = head.count("host");
  if (hosts !== 1) return refusal(400, `Send exactly one Host header, not ${hosts}.`);
  if (target.startsWith("/") || target === "*") return undefined;
  if (absoluteHost(target) === head.header("host")?.toLowerCase()) return undefined;
  return refusal(400, `Ask for a path; ${shown(target)} names another host than the Host header.`);
}

function judgeFraming(head: RequestHead): Refusal | undefined {
  if (head.headers.length / 2 > MAX_HEADERS) return refusal(431, `Send at most ${MAX_HEADERS} headers.`);
  const lengths = head.count("content-length");
  const encodings = head.count("transfer-encoding");
  if (lengths > 0 && encodings > 0) return refusal(400, "Send Content-Length or Transfer-Encoding, not both.");
  if (lengths > 1) return refusal(400, `Send one Content-Length, not ${lengths}.`);
  if (lengths === 1 && !DIGITS.test(head.header("content-length") ?? "")) {
    return refusal(400, `Content-Length must be a number of bytes, not ${shown(head.header("content-length"))}.`);
  }
  if (encodings > 0 && head.header("transfer-encoding")?.toLowerCase() !== "chunked") {
    return refusal(400, `Transfer-Encoding must be 'chunked', not ${shown(head.header("transfer-encoding"))}.`);
  }
  return undefined;
}

/** Host and port of `http://host:port/path` in lower case; `undefined` where it is no such URI. */
function absoluteHost(target: string): string | undefined {
  return /^https?:\/\/([^/?#]+)/i.exec(target)?.[1]?.toLowerCase();
}

function refusal(status: number, message: string, headers?: Readonly<Record<string, string>>): Refusal {
  const code = "bad_request";
  return headers === undefined ? { status, code, message } : { status, code, message, headers };
}
