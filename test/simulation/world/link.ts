/** One WebSocket connection through the simulated network: a socket of the hub at one end, a client at the other, a pipe in each direction. */
import type { Frame, SendResult, Socket, SocketHandler } from "../../../server/src/session/index.js";
import type { Random } from "../../support/random.js";
import { Pipe, type Weather } from "./pipe.js";
import type { Host, Scheduler } from "./scheduler.js";

/** What a client hears of its connection. After `closed` nothing follows. */
export interface ClientEnd {
  received(bytes: Uint8Array, isBinary: boolean): void;
  closed(code: number, reason: string): void;
}

export interface LinkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  /** The hub's process. */
  readonly hub: Host;
  readonly client: Host;
  readonly remoteAddress: string;
  /** Bytes that the hub's kernel takes for this connection. */
  readonly kernelBytes: number;
  /** Told once, when neither end knows of it any more. */
  readonly onGone: () => void;
}

/** Beside what a frame carries. */
const FRAME_BYTES = 8;
const CLOSE_NONE = 1005;
const CLOSE_ABNORMAL = 1006;

export class Link {
  readonly socket: Socket;
  readonly toHub: Pipe;
  readonly toClient: Pipe;
  readonly #options: LinkOptions;
  #handler: SocketHandler | undefined;
  #client: ClientEnd | undefined;
  /** The hub has said or heard that it is over, and takes nothing any more. */
  #isHubDone = false;
  #isGone = false;
  /** The hub's machine has lost its power, and the client doesn't know. */
  #isHubAway = false;
  #hasSentToNobody = false;
  #isHubBack = false;

  constructor(options: LinkOptions, client: ClientEnd) {
    const { scheduler, random, weather, hub, client: page } = options;
    this.#options = options;
    this.#client = client;
    const way = { scheduler, random, weather };
    this.toHub = new Pipe({ ...way, from: page, to: hub, kernelBytes: Infinity });
    this.toClient = new Pipe({ ...way, from: hub, to: page, kernelBytes: options.kernelBytes });
    this.socket = new HubSocket(this, options);
  }

  // ---- the hub's end -------------------------------------------------------------------------------------------------

  /** The hub has accepted it. */
  open(handler: SocketHandler): void {
    this.#handler = handler;
  }

  get takesFrames(): boolean {
    return !this.#isHubDone && !this.#options.hub.isDead;
  }

  sendToClient(bytes: Uint8Array, isBinary: boolean): void {
    this.toClient.push(bytes.length + FRAME_BYTES, () => this.#client?.received(bytes, isBinary));
  }

  pingClient(): void {
    // Answered by the client's WebSocket, whatever its page does.
    this.toClient.push(FRAME_BYTES, () => this.toHub.push(FRAME_BYTES, () => this.#hubHears((hub) => hub.alive())));
  }

  tellDrained(): void {
    this.toClient.onTaken = () => this.#hubHears((hub) => hub.drain());
  }

  /** The hub closes in order: a close frame behind what waits, which the client answers. */
  closeFromHub(code: number, reason: string): void {
    if (!this.takesFrames) return;
    this.#isHubDone = true;
    this.toClient.push(FRAME_BYTES, () => {
      this.toHub.push(FRAME_BYTES, () => this.#endHub(code));
      this.#endClient(code, reason);
    });
  }

  /** The hub cuts it: what hasn't left doesn't. */
  terminateFromHub(): void {
    if (this.#handler === undefined || this.#options.hub.isDead) return;
    this.#isHubDone = true;
    this.toClient.dropWaiting();
    this.toClient.push(0, () => this.#endClient(CLOSE_ABNORMAL, ""));
    this.#options.scheduler.schedule(0, this.#options.hub, () => this.#endHub(CLOSE_ABNORMAL));
  }

  // ---- the client's end ----------------------------------------------------------------------------------------------

  sendToHub(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#client === undefined) return;
    this.toHub.push(bytes.length + FRAME_BYTES, () => {
      if (!this.#isHubDone) this.#hubHears((hub) => hub.message(bytes, isBinary));
    });
    this.#hasSentToNobody ||= this.#isHubAway;
    this.#resetIfKnown();
  }

  /** The client closes in order; it hears nothing any more. */
  closeFromClient(): void {
    if (this.#client === undefined) return;
    this.#client = undefined;
    this.toHub.push(FRAME_BYTES, () => this.#endHub(CLOSE_NONE));
    this.#checkGone();
  }

  /** The client cuts it. */
  terminateFromClient(): void {
    if (this.#client === undefined) return;
    this.#client = undefined;
    this.toHub.dropWaiting();
    this.toHub.push(0, () => this.#endHub(CLOSE_ABNORMAL));
    this.#checkGone();
  }

  // ---- what happens to it ---------------------------------------------------------------------------------------------

  /** Reset in the midst of whatever is under way: both ends hear of it. */
  cut(): void {
    const { scheduler, hub, client } = this.#options;
    this.toHub.lose();
    this.toClient.lose();
    scheduler.schedule(0, hub, () => this.#endHub(CLOSE_ABNORMAL));
    scheduler.schedule(0, client, () => this.#endClient(CLOSE_ABNORMAL, "reset"));
  }

  /** Nothing arrives any more, in one direction or both; nobody is told. */
  lose(direction: "to hub" | "to client" | "both"): void {
    if (direction !== "to client") this.toHub.lose();
    if (direction !== "to hub") this.toClient.lose();
  }

  /** Nothing leaves for a while: it comes late, as over a network that was away. */
  hold(): void {
    this.toHub.hold();
    this.toClient.hold();
  }

  release(): void {
    this.toHub.release();
    this.toClient.release();
  }

  /**
   * The hub's process is gone.
   * @param how `sent`: what its kernel had taken still goes out; `reset`: nothing does; `silent`: nor does the client hear of it, until it sends something
   */
  hubDied(how: "sent" | "reset" | "silent"): void {
    this.#handler = undefined;
    this.#isHubDone = true;
    if (how !== "sent") this.toClient.dropWaiting();
    if (how === "silent") this.#isHubAway = true;
    else this.toClient.push(0, () => this.#endClient(CLOSE_ABNORMAL, ""));
    this.#checkGone();
  }

  /** The hub's machine is there again, and knows nothing of this connection: so it says to whoever sends something. */
  hubMachineIsBack(): void {
    this.#isHubBack = true;
    this.#resetIfKnown();
  }

  #resetIfKnown(): void {
    if (!this.#isHubBack || !this.#hasSentToNobody || this.#client === undefined) return;
    const { scheduler, weather, client } = this.#options;
    scheduler.schedule(2 * weather.latencyMs, client, () => this.#endClient(CLOSE_ABNORMAL, "reset"));
  }

  #hubHears(tell: (handler: SocketHandler) => void): void {
    if (this.#handler !== undefined) tell(this.#handler);
  }

  #endHub(code: number): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isHubDone = true;
    handler?.closed(code);
    this.#checkGone();
  }

  #endClient(code: number, reason: string): void {
    const client = this.#client;
    this.#client = undefined;
    client?.closed(code, reason);
    this.#checkGone();
  }

  #checkGone(): void {
    if (this.#isGone || this.#handler !== undefined || this.#client !== undefined) return;
    this.#isGone = true;
    this.#options.onGone();
  }
}

/** What the session writes to. */
class HubSocket implements Socket {
  readonly remoteAddress: string;
  readonly #link: Link;

  constructor(link: Link, { remoteAddress }: LinkOptions) {
    this.#link = link;
    this.remoteAddress = remoteAddress;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    const link = this.#link;
    if (!link.takesFrames) return "closed";
    for (let at = 0; at < count; at++) {
      const { bytes, binary, volatile } = frames[at] as Frame;
      link.sendToClient(volatile ? bytes.slice() : bytes, binary);
    }
    if (link.toClient.untakenBytes === 0) return "open";
    link.tellDrained();
    return "full";
  }

  bufferedBytes(): number {
    return this.#link.toClient.untakenBytes;
  }

  ping(): void {
    if (this.#link.takesFrames) this.#link.pingClient();
  }

  close(code: number, reason: string): void {
    this.#link.closeFromHub(code, reason);
  }

  terminate(): void {
    this.#link.terminateFromHub();
  }
}
