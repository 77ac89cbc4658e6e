/** The simulated network: clients dial, the hub that listens accepts or refuses, and the nemesis sees to the rest. */
import type { SessionAnswer } from "../../../server/src/session/index.js";
import type { Random } from "../../support/random.js";
import { Link, type ClientEnd } from "./link.js";
import type { Weather } from "./pipe.js";
import type { Host, Scheduler } from "./scheduler.js";

/** A hub's process that takes connections. */
export interface Listener {
  readonly host: Host;
  handshake(subprotocol: string, remoteAddress: string): SessionAnswer;
}

/** A client's side of a connection that it has begun. */
export interface Dialled {
  send(bytes: Uint8Array, isBinary: boolean): void;
  /** With a close frame. */
  close(): void;
  /** With a reset. */
  terminate(): void;
}

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  /** Bytes that the hub's kernel takes for a connection. */
  readonly kernelBytes: number;
}

const REFUSED = 1006;

export class Network {
  readonly links = new Set<Link>();
  /** What passes is late by so much, and slow; the nemesis changes it. */
  readonly weather: Weather;
  listener: Listener | undefined;
  /** Nothing passes, and nobody is told. */
  isPartitioned = false;
  /** Nobody answers: there is no machine at the other end. */
  isMachineOff = false;
  /** Links of machines that lost their power. */
  readonly #orphans = new Set<Link>();
  readonly #dials = new Set<Dial>();
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.weather = { ...options.weather };
  }

  /** Begins a connection; the client hears what becomes of it, or nothing. */
  dial(client: Host, remoteAddress: string, subprotocol: string, end: ClientEnd): Dialled {
    const dial = new Dial(end);
    this.#dials.add(dial);
    const { scheduler } = this.#options;
    scheduler.schedule(this.#trip(), undefined, () => this.#arrive(dial, client, remoteAddress, subprotocol));
    return dial;
  }

  /** The hub's process is gone; what its machine's kernel knows of connections goes with it, or the machine is gone as well. */
  hubDied(how: "process" | "machine"): void {
    const { random, scheduler } = this.#options;
    this.listener = undefined;
    for (const link of this.links) {
      if (how === "machine") this.#orphans.add(link);
      link.hubDied(how === "machine" ? "silent" : random.oneIn(2) ? "sent" : "reset");
    }
    this.isMachineOff = how === "machine";
    if (how === "machine") return;
    for (const dial of this.#dials)
      if (dial.isAtHub) scheduler.schedule(this.#trip(), undefined, () => this.#refuse(dial));
  }

  machineIsBack(): void {
    this.isMachineOff = false;
    for (const link of this.#orphans) link.hubMachineIsBack();
    this.#orphans.clear();
  }

  /** Nothing passes until {@link heal}. */
  partition(): void {
    if (this.isPartitioned) return;
    this.isPartitioned = true;
    for (const link of this.links) link.hold();
  }

  /** What was on its way comes late. */
  heal(): void {
    if (!this.isPartitioned) return;
    this.isPartitioned = false;
    for (const link of this.links) link.release();
  }

  #trip(): number {
    return this.weather.latencyMs + this.#options.random.below(this.weather.jitterMs + 1);
  }

  #arrive(dial: Dial, client: Host, remoteAddress: string, subprotocol: string): void {
    const { scheduler } = this.#options;
    if (this.isPartitioned || this.isMachineOff || !dial.isWanted) {
      this.#dials.delete(dial);
      return;
    }
    const { listener } = this;
    if (listener === undefined) {
      scheduler.schedule(this.#trip(), client, () => this.#refuse(dial));
      return;
    }
    dial.isAtHub = true;
    scheduler.schedule(0, listener.host, () => {
      dial.isAtHub = false;
      const answer = listener.handshake(subprotocol, remoteAddress);
      if (answer.accept) this.#accept(dial, client, remoteAddress, listener.host, answer);
      else scheduler.schedule(this.#trip(), client, () => this.#refuse(dial));
    });
  }

  #accept(
    dial: Dial,
    client: Host,
    remoteAddress: string,
    hub: Host,
    answer: Extract<SessionAnswer, { accept: true }>,
  ): void {
    this.#dials.delete(dial);
    const { scheduler, random, kernelBytes } = this.#options;
    const { weather } = this;
    const onGone = (): void => {
      this.links.delete(link);
      this.#orphans.delete(link);
    };
    const link = new Link({ scheduler, random, weather, hub, client, remoteAddress, kernelBytes, onGone }, dial.end);
    this.links.add(link);
    if (this.isPartitioned) link.hold();
    link.open(answer.open(link.socket));
    dial.connected(link);
  }

  #refuse(dial: Dial): void {
    if (!this.#dials.delete(dial) || !dial.isWanted) return;
    dial.end.closed(REFUSED, "refused");
  }
}

/** A connection from its beginning: what the client does before it stands is done when it does. */
class Dial implements Dialled {
  readonly end: ClientEnd;
  /** The hub's kernel has it. */
  isAtHub = false;
  isWanted = true;
  #link: Link | undefined;
  /** What is to be sent once it stands. */
  readonly #early: { readonly bytes: Uint8Array; readonly isBinary: boolean }[] = [];

  constructor(end: ClientEnd) {
    this.end = end;
  }

  connected(link: Link): void {
    this.#link = link;
    for (const { bytes, isBinary } of this.#early) link.sendToHub(bytes, isBinary);
    if (!this.isWanted) link.terminateFromClient();
  }

  send(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#link === undefined) this.#early.push({ bytes, isBinary });
    else this.#link.sendToHub(bytes, isBinary);
  }

  close(): void {
    this.isWanted = false;
    this.#link?.closeFromClient();
  }

  terminate(): void {
    this.isWanted = false;
    this.#link?.terminateFromClient();
  }
}
