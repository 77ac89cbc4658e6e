/**
 * The transport over node:http and ws: what runs where uWebSockets.js doesn't.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Server as TlsServer } from "node:https";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { WebSocketServer, type ServerOptions } from "ws";
import { plainAddress } from "../address.js";
import { judgeHandshake, judgeRequest, wantsWebSocket, type Refusal } from "../guard.js";
import { LateBodies } from "../late-bodies.js";
import { CLOSE_TIMEOUT_MS, GOODBYE_MS } from "../limits.js";
import { addressRefused } from "../listen-error.js";
import type { Handshake, HandshakeAnswer, Transport, TransportHandlers, TransportOptions } from "../port.js";
import type { RequestHead } from "../request-head.js";
import { rawAnswer, safeHeaderValue } from "../response-head.js";
import type { TlsFiles } from "../tls.js";
import { waitUntil } from "../wait-until.js";
import { WsExchange } from "./exchange.js";
import { enterPipeline } from "./pipeline.js";
import { copyHead, targetOf } from "./request.js";
import {
  answerRaw,
  createStrictServer,
  endRaw,
  readAsPlainRequest,
  secureOptions,
  type StrictServer,
} from "./server.js";
import { WsSocket, type WsSocketShared } from "./socket.js";

type Acceptance = Extract<HandshakeAnswer, { readonly accept: true }>;

export class WsTransport implements Transport {
  readonly name = "ws";
  readonly #options: TransportOptions;
  readonly #handlers: TransportHandlers;
  readonly #server: StrictServer;
  readonly #webSockets: WebSocketServer;
  readonly #shared: WsSocketShared;
  readonly #lateBodies: LateBodies;
  readonly #connections = new Set<NetSocket>();
  /** Echoed by the handshake that is being answered. */
  #subprotocol: string | undefined;

  constructor(options: TransportOptions, handlers: TransportHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#shared = { maxFrameBytes: options.maxFrameBytes, open: new Set() };
    this.#lateBodies = new LateBodies(options.requestTimeoutMs);
    this.#webSockets = new WebSocketServer(libraryOptions(options));
    this.#webSockets.on("headers", (headers) => {
      if (this.#subprotocol !== undefined)
        headers.push(`Sec-WebSocket-Protocol: ${safeHeaderValue(this.#subprotocol)}`);
    });
    this.#server = createStrictServer(options, (code) => handlers.refused(code));
    this.#server.on("connection", (socket: NetSocket) => this.#connected(socket));
    this.#server.on("secureConnection", (socket: NetSocket) => this.#connected(socket));
    this.#server.on("request", (request, response) => this.#request(request, response));
    this.#server.on("upgrade", (request, _socket, rest) => this.#upgrade(request, request.socket, rest));
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => reject(addressRefused(host, port, error.code, error));
      this.#server.once("error", failed);
      this.#server.listen({ host, port, exclusive: true, backlog: LISTEN_BACKLOG }, () => {
        this.#server.off("error", failed);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  renewTls(tls: TlsFiles): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(secureOptions(tls));
  }

  stopListening(): void {
    if (this.#server.listening) this.#server.close();
  }

  async close(): Promise<void> {
    this.stopListening();
    // Those that were told to close get a moment to read what is buffered.
    for (const socket of this.#shared.open) if (!socket.isClosing) socket.terminate();
    await waitUntil(() => this.#shared.open.size === 0, GOODBYE_MS);
    for (const socket of this.#connections) socket.destroy();
    await waitUntil(() => this.#connections.size === 0, GOODBYE_MS);
  }

  #connected(socket: NetSocket): void {
    if (this.#connections.has(socket)) return;
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    if (!enterPipeline(request.socket, response)) return;
    const head = copyHead(request);
    const exchange = new WsExchange(request, response, head, this.#lateBodies);
    const refusal = this.#judge(head, request);
    if (refusal === undefined) {
      this.#handlers.request(exchange);
      return;
    }
    this.#handlers.refused(refusal.code);
    const body = this.#options.errorBody(refusal.code, refusal.message);
    const headers = { "Content-Type": "application/json", ...refusal.headers };
    exchange.respond({ status: refusal.status, headers, body, close: true });
  }

  #upgrade(request: IncomingMessage, socket: NetSocket, rest: Buffer): void {
    const head = copyHead(request);
    const isOurs = head.path === this.#options.webSocketPath && wantsWebSocket(head);
    const refusal = this.#judge(head, request) ?? (isOurs ? judgeHandshake(head) : undefined);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    if (!isOurs) {
      readAsPlainRequest(this.#server, request, socket, rest);
      return;
    }
    const answer = this.#handlers.handshake(handshakeOf(head, socket));
    if (answer.accept) this.#accept(answer, request, socket, rest);
    else endRaw(socket, rawAnswer(answer.status, answer.headers, answer.body));
  }

  #judge(head: RequestHead, request: IncomingMessage): Refusal | undefined {
    if (request.httpVersion !== "1.1") return { status: 505, code: "bad_request", message: "Speak HTTP/1.1." };
    return judgeRequest(head, targetOf(request));
  }

  #refuse(socket: NetSocket, refusal: Refusal): void {
    this.#handlers.refused(refusal.code);
    answerRaw(socket, refusal, this.#options);
  }

  #accept(answer: Acceptance, request: IncomingMessage, socket: NetSocket, rest: Buffer): void {
    // ws refuses subprotocols that aren't tokens (`bearer.…=`) and answers the first; the choice has been made already.
    delete request.headers["sec-websocket-protocol"];
    this.#subprotocol = answer.subprotocol;
    this.#webSockets.handleUpgrade(request, socket, rest, (library) => {
      new WsSocket(library, socket, this.#shared).begin((opened) => answer.open(opened));
    });
  }
}

const LISTEN_BACKLOG = 4_096;
/**
 * The library keeps a fragment, and a piece of an unfinished frame, as a part of what the kernel gave with it: up to
 * 64 KiB for one byte of a message. So their number is limited, by what they should have on average at least.
 */
const MIN_FRAGMENT_BYTES = 4_096;
const MIN_PIECE_BYTES = 256;
/** However small the limit of a message is. */
const MIN_PARTS = 256;

function handshakeOf(head: RequestHead, socket: NetSocket): Handshake {
  return {
    path: head.path,
    remoteAddress: plainAddress(socket.remoteAddress ?? ""),
    header: (name) => head.header(name),
    subprotocols: head.list("sec-websocket-protocol"),
  };
}

/** `closeTimeout` is missing in the library's types. */
function libraryOptions(options: TransportOptions): ServerOptions & { closeTimeout: number } {
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: 2 * options.maxFrameBytes,
    maxFragments: Math.max(MIN_PARTS, Math.ceil(options.maxFrameBytes / MIN_FRAGMENT_BYTES)),
    maxBufferedChunks: Math.max(MIN_PARTS, Math.ceil(options.maxFrameBytes / MIN_PIECE_BYTES)),
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
}
