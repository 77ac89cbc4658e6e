/** The network as a test writes it: each dial is kept, and the test plays the hub's side frame by frame. */
import type { Transport, TransportHandler } from "@ringcast/client";
import { DEFAULT_LIMITS } from "@ringcast/protocol";
import type { AnyFrame } from "./json-client.js";
import { settle } from "./virtual-runtime.js";

/** A request as the SDK sent it; every field that any request may have. */
export interface AnyRequest {
  readonly op: string;
  readonly id: number;
  readonly topic: string;
  readonly pattern: string;
  readonly from: unknown;
  readonly window: number;
  readonly subscription: number;
  readonly partition: number;
  readonly offset: number;
  readonly token: string;
  readonly data: unknown;
  readonly messages: readonly { readonly data: unknown }[];
  readonly producer: { readonly id: string; readonly sequence: number };
}

export class ScriptedSocket {
  readonly sent: AnyRequest[] = [];
  isClosed = false;
  readonly url: string;
  readonly subprotocol: string;
  readonly #handler: TransportHandler;

  constructor(url: string, subprotocol: string, handler: TransportHandler) {
    this.url = url;
    this.subprotocol = subprotocol;
    this.#handler = handler;
  }

  /** Frames from the hub. */
  async deliver(...frames: readonly object[]): Promise<void> {
    for (const frame of frames) this.#handler.received(JSON.stringify(frame));
    await settle();
  }

  async deliverText(text: string): Promise<void> {
    this.#handler.received(text);
    await settle();
  }

  async welcome(limits: object = {}): Promise<void> {
    await this.deliver({
      op: "welcome",
      protocol: 1,
      server: "ringcast/test",
      connection: "c",
      instance: "i",
      limits: { ...DEFAULT_LIMITS, ...limits },
      time: 1_700_000_000_000,
    });
  }

  /** The hub, or the network, ends the connection. */
  async cut(code = 1006, reason = ""): Promise<void> {
    this.isClosed = true;
    this.#handler.closed(code, reason);
    await settle();
  }

  /** Requests with this `op`, oldest first. */
  requests(op: string): AnyRequest[] {
    return this.sent.filter((each) => each.op === op);
  }

  /** Answers a request, or the newest with that `op`. */
  async reply(request: AnyRequest | string, fields: Partial<AnyFrame> | object): Promise<void> {
    const { id } = typeof request === "string" ? (this.requests(request).at(-1) as AnyRequest) : request;
    await this.deliver({ id, ...fields });
  }

  async refuse(request: AnyRequest | string, code: string, details?: object): Promise<void> {
    await this.reply(request, { op: "error", code, message: `refused: ${code}`, details });
  }

  /** Accepts a publish as record `offset`. */
  async store(request: AnyRequest, offset: number): Promise<void> {
    const { topic } = request;
    await this.reply(request, { op: "published", topic, partition: 0, epoch: "e1", offset, timestamp: 1 });
  }
}

export class ScriptedNetwork {
  readonly sockets: ScriptedSocket[] = [];

  readonly transport: Transport = (url, subprotocol, handler) => {
    const socket = new ScriptedSocket(url, subprotocol, handler);
    this.sockets.push(socket);
    return {
      send: (data) => void socket.sent.push(JSON.parse(data as string) as AnyRequest),
      close: () => {
        socket.isClosed = true;
      },
    };
  };

  /** The newest connection. */
  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("Nobody has dialled yet");
    return socket;
  }
}
