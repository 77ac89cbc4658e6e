/** Requests of the JSON dialect over one WebSocket, as many under way as the hub may be sent at once. Subscriptions end as soon as they are there. */
import { once } from "node:events";
import { WebSocket } from "ws";

const MOST_UNDER_WAY = 256;

export class RequestPipe {
  #sent = 0;
  #answered = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on("message", (frame: Buffer) => this.#take(frame.toString()));
  }

  static async connect(port: number): Promise<RequestPipe> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, "ringcast.v1.json");
    const pipe = new RequestPipe(socket);
    await once(socket, "open");
    return pipe;
  }

  /** Sends a request, when there is room for one more. @throws Error when the hub refused one before */
  async send(request: object): Promise<void> {
    await this.#until(() => this.#sent - this.#answered < MOST_UNDER_WAY);
    this.#sendNow(request);
  }

  /** Resolves when everything sent is answered. */
  settled(): Promise<void> {
    return this.#until(() => this.#sent === this.#answered);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await once(this.socket, "close");
  }

  #sendNow(request: object): void {
    this.#sent++;
    this.socket.send(JSON.stringify({ id: this.#sent, ...request }));
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  #take(text: string): void {
    const frame = JSON.parse(text) as { op: string; id?: number; subscription?: number };
    if (frame.id === undefined) return;
    if (frame.op === "error") this.#failure ??= new Error(text);
    this.#answered++;
    // A subscription that was only to make its topic.
    if (frame.op === "subscribed") this.#sendNow({ op: "unsubscribe", subscription: frame.subscription });
    this.#wake?.();
  }
}
