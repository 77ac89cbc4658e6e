/**
 * The transport over uWebSockets.js: one app for WebSockets and HTTP on one port.
 */
import { RingcastError } from "@ringcast/protocol";
import type * as uWebSockets from "uWebSockets.js";
import { addressFromBytes } from "../address.js";
import { judgeHandshake, judgeRequest, refusePlainRequest, wantsWebSocket, type Refusal } from "../guard.js";
import { LateBodies } from "../late-bodies.js";
import { GOODBYE_MS } from "../limits.js";
import { addressRefused } from "../listen-error.js";
import type { Handshake, Transport, TransportHandlers, TransportOptions } from "../port.js";
import type { RequestHead } from "../request-head.js";
import type { TlsFiles } from "../tls.js";
import { UwsExchange, type UwsExchangeShared } from "./exchange.js";
import type { UwsLibrary } from "./library.js";
import { listenAlone, listenBeside, type Listening } from "./listening.js";
import { copyHead } from "./request.js";
import { answerAndCut, answerHandshake } from "./answers.js";
import { UwsSocket, type UwsSocketShared, type UwsUserData } from "./socket.js";
import { waitUntil } from "../wait-until.js";
import { StreamKeeper } from "./stream.js";

/**
 * Far above anything that is sent: beyond it frames are dropped in silence.
 * @see TransportOptions.maxBufferedBytes
 */
const MAX_BACKPRESSURE = 1024 * 1024 * 1024;
/**
 * The longest that uWebSockets.js offers. Who is idle is decided by the session; this only clears away peers that
 * were sent a close frame and never hung up.
 */
const IDLE_TIMEOUT_SECONDS = 960;

export class UwsTransport implements Transport {
  readonly name = "uws";
  readonly #library: UwsLibrary;
  readonly #options: TransportOptions;
  readonly #handlers: TransportHandlers;
  /** The last one listens. Those before it had an older certificate and keep the connections that were made with it. */
  readonly #apps: uWebSockets.TemplatedApp[] = [];
  readonly #exchanges: UwsExchangeShared;
  readonly #sockets: UwsSocketShared;
  #listening: Listening | undefined;
  #isClosed = false;

  constructor(library: UwsLibrary, options: TransportOptions, handlers: TransportHandlers) {
    this.#library = library;
    this.#options = options;
    this.#handlers = handlers;
    this.#exchanges = { lateBodies: new LateBodies(options.requestTimeoutMs), streams: new StreamKeeper() };
    this.#sockets = {
      maxFrameBytes: options.maxFrameBytes,
      maxBufferedBytes: options.maxBufferedBytes,
      closing: new Set(),
    };
    this.#apps.push(this.#makeApp(options.tls));
  }

  async listen(host: string, port: number): Promise<number> {
    this.#listening = await listenAlone(this.#library, this.#apps.at(-1) as uWebSockets.TemplatedApp, host, port);
    return this.#listening.port;
  }

  /** The library can't give an app another certificate: a second app takes over the port, which both have for a moment. */
  renewTls(tls: TlsFiles): void {
    const before = this.#listening;
    if (before === undefined) return;
    const app = this.#makeApp(tls);
    const sockets = listenBeside(this.#library, app, before);
    if (sockets === undefined) throw addressRefused(before.address, before.port, "EADDRINUSE");
    this.stopListening();
    this.#apps.push(app);
    this.#listening = { ...before, sockets };
  }

  stopListening(): void {
    for (const socket of this.#listening?.sockets ?? []) this.#library.us_listen_socket_close(socket);
    this.#listening = undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stopListening();
    // Those that were told to close and still have bytes to read get a moment.
    await waitUntil(() => this.#sockets.closing.size === 0, GOODBYE_MS);
    this.#exchanges.streams.close();
    for (const app of this.#apps) app.close();
  }

  #makeApp(tls: TlsFiles | undefined): uWebSockets.TemplatedApp {
    const app = tls === undefined ? this.#library.App() : makeTlsApp(this.#library, tls);
    app.ws<UwsUserData>(this.#options.webSocketPath, this.#behavior());
    return app.any("/*", (response, request) => this.#request(response, request));
  }

  #behavior(): uWebSockets.WebSocketBehavior<UwsUserData> {
    return {
      maxPayloadLength: 2 * this.#options.maxFrameBytes,
      maxBackpressure: MAX_BACKPRESSURE,
      closeOnBackpressureLimit: false,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      sendPingsAutomatically: false,
      upgrade: (response, request, context) => this.#upgrade(response, request, context),
      open: (native) => native.getUserData().socket.opened(native),
      message: (native, message, isBinary) => native.getUserData().socket.received(message, isBinary),
      drain: (native) => native.getUserData().socket.drained(),
      ping: (native) => native.getUserData().socket.pinged(),
      pong: (native) => native.getUserData().socket.ponged(),
      close: (native, code) => native.getUserData().socket.gone(code),
    };
  }

  #request(response: uWebSockets.HttpResponse, request: uWebSockets.HttpRequest): void {
    const head = copyHead(request);
    const refusal = judgeRequest(head, head.path) ?? this.#judgeWebSocketPath(head);
    if (refusal !== undefined) {
      this.#refuse(response, refusal);
      return;
    }
    new UwsExchange(response, head, this.#exchanges).handOver(this.#handlers);
  }

  /** uWebSockets.js hands over handshakes without a key of the right length as plain requests. */
  #judgeWebSocketPath(head: RequestHead): Refusal | undefined {
    if (head.path !== this.#options.webSocketPath || !wantsWebSocket(head)) return undefined;
    return judgeHandshake(head);
  }

  #upgrade(
    response: uWebSockets.HttpResponse,
    request: uWebSockets.HttpRequest,
    context: uWebSockets.us_socket_context_t,
  ): void {
    const head = copyHead(request);
    const refusal = judgeRequest(head, head.path) ?? this.#judgeUpgrade(head);
    if (refusal !== undefined) {
      this.#refuse(response, refusal);
      return;
    }
    const remoteAddress = addressFromBytes(new Uint8Array(response.getRemoteAddress()));
    const answer = this.#handlers.handshake(handshakeOf(head, remoteAddress));
    if (!answer.accept) {
      answerHandshake(response, answer);
      return;
    }
    const socket = new UwsSocket(remoteAddress, this.#sockets, answer);
    const key = head.header("sec-websocket-key") ?? "";
    response.upgrade<UwsUserData>({ socket }, key, answer.subprotocol ?? "", "", context);
  }

  /** uWebSockets.js looks at the key alone. */
  #judgeUpgrade(head: RequestHead): Refusal | undefined {
    return wantsWebSocket(head) ? judgeHandshake(head) : refusePlainRequest();
  }

  #refuse(response: uWebSockets.HttpResponse, refusal: Refusal): void {
    this.#handlers.refused(refusal.code);
    answerAndCut(response, refusal, this.#options.errorBody(refusal.code, refusal.message));
  }
}

/** The library reads the files by itself, and takes TLS 1.2 or newer. */
function makeTlsApp(library: UwsLibrary, { certFile, keyFile }: TlsFiles): uWebSockets.TemplatedApp {
  try {
    return library.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
  } catch (error) {
    const message = `uWebSockets.js can't use the certificate in ${certFile} with the key in ${keyFile}.`;
    throw new RingcastError("bad_request", message, { field: "tlsCert" }, { cause: error });
  }
}

function handshakeOf(head: RequestHead, remoteAddress: string): Handshake {
  return {
    path: head.path,
    remoteAddress,
    header: (name) => head.header(name),
    subprotocols: head.list("sec-websocket-protocol"),
  };
}
