/**
 * The node:http or node:https server below the ws adapter, set to be strict.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { TransportOptions } from "../port.js";
import { isAnswering, isServing } from "./pipeline.js";
import { rawAnswer } from "../response-head.js";
import { MIN_TLS_VERSION, type TlsFiles } from "../tls.js";

export type StrictServer = Server | TlsServer;

const CHECK_INTERVAL_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;

/**
 * Makes the server; nothing listens yet.
 *
 * @param refused told of each request that is refused before anybody else sees it
 */
export function createStrictServer(options: TransportOptions, refused: (code: string) => void): StrictServer {
  const server = makeServer(options.tls, options.requestTimeoutMs, {
    insecureHTTPParser: false,
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: options.requestTimeoutMs,
    // A body has a time limit of its own once it is read; this one is for those that nobody reads.
    requestTimeout: 2 * options.requestTimeoutMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    // The guard refuses it with a body that says why.
    requireHostHeader: false,
  });
  // What is over would be left out in silence; the guard counts.
  server.maxHeadersCount = 0;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!canAnswer(error, socket)) {
      socket.destroy();
      return;
    }
    // What goes wrong inside a body is told to whoever reads it, and counted there. A peer that has left asks for nothing.
    if (!isServing(socket) && error.code !== "HPE_INVALID_EOF_STATE") refused("bad_request");
    answerRaw(socket, parserRefusal(error.code), options);
  });
  server.on("connect", (_request, socket) => {
    refused("bad_request");
    const message = "Method CONNECT is not offered.";
    answerRaw(socket, { status: 405, headers: { Allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS" }, message }, options);
  });
  return server;
}

/** How node:https wants a certificate, at the start and when it is renewed. */
export function secureOptions({ cert, key }: TlsFiles): Pick<TlsFiles, "cert" | "key"> & { minVersion: "TLSv1.2" } {
  return { cert, key, minVersion: MIN_TLS_VERSION };
}

function makeServer(tls: TlsFiles | undefined, handshakeTimeout: number, options: ServerOptions): StrictServer {
  if (tls === undefined) return createServer(options);
  // HTTP/1.1 alone: without this a client that offers h2 first would be told so only later.
  return createTlsServer({ ...options, ...secureOptions(tls), handshakeTimeout, ALPNProtocols: ["http/1.1"] });
}

export interface RawRefusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers on a socket that no HTTP library minds any more, and ends it. */
export function answerRaw(socket: Duplex, refusal: RawRefusal, options: TransportOptions): void {
  const headers = { "Content-Type": "application/json", ...refusal.headers };
  endRaw(socket, rawAnswer(refusal.status, headers, options.errorBody("bad_request", refusal.message)));
}

/** Sends the last text on a socket, and destroys the socket when it is out. */
export function endRaw(socket: Duplex, text: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(text);
}

/**
 * A request with an `Upgrade` that isn't ours is a plain request (Java's client asks for `h2c` with every one), but Node has
 * stopped to read it as HTTP. So it is put back without that header, and read again.
 */
export function readAsPlainRequest(server: StrictServer, request: IncomingMessage, socket: Duplex, rest: Buffer): void {
  const lines = [`${request.method ?? "GET"} ${request.url ?? "/"} HTTP/${request.httpVersion}`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? "";
    if (name.toLowerCase() !== "upgrade") lines.push(`${name}: ${request.rawHeaders[at + 1] ?? ""}`);
  }
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  socket.unshift(Buffer.concat([head, rest]));
  server.emit(socket instanceof TLSSocket ? "secureConnection" : "connection", socket);
}

function canAnswer(error: NodeJS.ErrnoException, socket: Duplex): boolean {
  return socket.writable && error.code !== "ECONNRESET" && !isTlsError(error) && !isAnswering(socket);
}

/** The handshake failed, e.g. with a client that speaks plain HTTP: there is nothing to answer over. */
function isTlsError({ code = "" }: NodeJS.ErrnoException): boolean {
  return code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_");
}

function parserRefusal(code: string | undefined): RawRefusal {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, message: "Send a smaller request head." };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, message: "Send smaller chunk extensions." };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, message: "Send the whole request faster." };
    case "HPE_INVALID_VERSION":
    case "HPE_PAUSED_H2_UPGRADE":
      return { status: 505, message: "Speak HTTP/1.1." };
    default:
      return { status: 400, message: "The request is not well-formed HTTP/1.1." };
  }
}
