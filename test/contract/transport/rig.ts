/** A transport on a free port, with an application above it that only writes down what it is told. */
import { ERRORS, RingcastError } from "@ringcast/protocol";
import {
  createTransport,
  type Handshake,
  type HandshakeAnswer,
  type Transport,
  type TransportName,
} from "../../../server/src/transport/index.js";
import type { TransportOptions } from "../../../server/src/transport/port.js";
import type { Exchange } from "../../../server/src/http/exchange.js";
import type { Frame, Socket, SocketHandler } from "../../../server/src/session/socket.js";
import { until } from "../../support/until.js";

export const MAX_FRAME_BYTES = 100_000;
export const MAX_HEADER_BYTES = 16_384;
export const WEB_SOCKET_PATH = "/v1/ws";

/** What one socket told its handler. */
export class Told implements SocketHandler {
  readonly messages: { readonly bytes: Buffer; readonly binary: boolean }[] = [];
  readonly closedWith: number[] = [];
  alives = 0;
  drains = 0;
  oversizeds = 0;
  onDrain: () => void = () => {};
  onMessage: (bytes: Uint8Array) => void = () => {};

  constructor(readonly socket: Socket) {}

  message(bytes: Uint8Array, binary: boolean): void {
    this.messages.push({ bytes: Buffer.from(bytes), binary });
    this.onMessage(bytes);
  }

  alive(): void {
    this.alives++;
  }

  drain(): void {
    this.drains++;
    this.onDrain();
  }

  oversized(): void {
    this.oversizeds++;
  }

  closed(code: number): void {
    this.closedWith.push(code);
  }
}

export class Rig implements AsyncDisposable {
  readonly sockets: Told[] = [];
  readonly handshakes: Handshake[] = [];
  readonly exchanges: Exchange[] = [];
  readonly refused: string[] = [];
  /** Decides about handshakes; accepts the first subprotocol unless a test says otherwise. */
  answer: (handshake: Handshake) => HandshakeAnswer = (handshake) => this.accept(handshake.subprotocols[0]);
  /** Handles requests; answers 200 with method, path and query unless a test says otherwise. */
  handle: (exchange: Exchange) => void = (exchange) => {
    exchange.respond(text(200, `${exchange.method} ${exchange.path} ${exchange.query}`));
  };
  transport!: Transport;
  port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}${WEB_SOCKET_PATH}`;
  }

  accept(subprotocol: string | undefined): HandshakeAnswer {
    return {
      accept: true,
      subprotocol,
      open: (socket) => {
        const told = new Told(socket);
        this.sockets.push(told);
        return told;
      },
    };
  }

  /** The socket opened as the `at`-th. */
  async socket(at = 0): Promise<Told> {
    await until("the socket is open", () => this.sockets.length > at);
    return this.sockets[at] as Told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
  }
}

/** Starts a transport that listens on 127.0.0.1. */
export async function openRig(name: TransportName, changes: Partial<TransportOptions> = {}): Promise<Rig> {
  const rig = new Rig();
  rig.transport = await createTransport(
    name,
    { ...optionsOfRig, ...changes },
    {
      handshake: (handshake) => {
        rig.handshakes.push(handshake);
        return rig.answer(handshake);
      },
      request: (exchange) => {
        rig.exchanges.push(exchange);
        rig.handle(exchange);
      },
      refused: (code) => rig.refused.push(code),
    },
  );
  rig.port = await rig.transport.listen("127.0.0.1", 0);
  return rig;
}

export const optionsOfRig: TransportOptions = {
  webSocketPath: WEB_SOCKET_PATH,
  maxFrameBytes: MAX_FRAME_BYTES,
  maxHeaderBytes: MAX_HEADER_BYTES,
  requestTimeoutMs: 5_000,
  maxBufferedBytes: 1024 * 1024,
  errorBody: (code, message) => JSON.stringify({ code, message }),
};

export function frameOf(payload: string | Uint8Array, changes: Partial<Frame> = {}): Frame {
  return {
    bytes: typeof payload === "string" ? Buffer.from(payload) : payload,
    binary: typeof payload !== "string",
    volatile: false,
    ...changes,
  };
}

export function text(status: number, body: string): { status: number; headers: Record<string, string>; body: string } {
  return { status, headers: { "Content-Type": "text/plain" }, body };
}

/** Answers with the body, or with what there is instead. */
export function echo(exchange: Exchange, maxBytes: number): void {
  exchange.readBody(maxBytes, (body) => {
    if (body instanceof RingcastError) {
      exchange.respond(text(ERRORS[body.code].status, `${body.code}: ${body.message}`));
    } else {
      exchange.respond({ status: 200, headers: {}, body: Buffer.from(body) });
    }
  });
}
