/** Clients of the simulated network that know the wire contract and nothing of the SDK; the same frames in line as over real sockets. */
import type { RawClient } from "../../fault/workload/surroundings.js";
import { MSGPACK_WIRE } from "../../support/binary-client.js";
import type { AnyFrame, Wire } from "../../support/frame-client.js";
import { FrameLine } from "../../support/frame-line.js";
import { JSON_WIRE } from "../../support/json-client.js";
import type { Within } from "../../support/until.js";
import type { Dialled, Network } from "./network.js";
import type { Host, Scheduler } from "./scheduler.js";

const CONNECT_MS = 5_000;

/** Waiting by virtual time. */
export function withinOn(scheduler: Scheduler, host: Host): Within {
  return (what, promise, timeoutMs) =>
    new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`Waited ${timeoutMs} ms in vain for ${what}`));
      const timer = scheduler.schedule(timeoutMs, host, late);
      promise.then((result) => {
        timer.cancel();
        resolve(result);
      }, reject);
    });
}

export interface ClientPlace {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly host: Host;
  readonly remoteAddress: string;
}

/** @returns undefined where no `welcome` came in time */
export async function connectRaw(place: ClientPlace, dialect: "json" | "msgpack"): Promise<RawClient | undefined> {
  const client = new SimulatedClient(place, dialect === "json" ? JSON_WIRE : MSGPACK_WIRE);
  try {
    await client.next(CONNECT_MS);
    return client;
  } catch {
    await client[Symbol.asyncDispose]();
    return undefined;
  }
}

class SimulatedClient implements RawClient {
  isOpen = true;
  readonly #wire: Wire;
  readonly #line: FrameLine;
  readonly #dialled: Dialled;

  constructor({ network, scheduler, host, remoteAddress }: ClientPlace, wire: Wire) {
    this.#wire = wire;
    this.#line = new FrameLine(withinOn(scheduler, host));
    this.#dialled = network.dial(host, remoteAddress, wire.subprotocol, {
      received: (bytes) => this.#line.push(wire.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))),
      closed: () => this.#end(),
    });
  }

  next(timeoutMs: number): Promise<AnyFrame> {
    return this.#line.next(timeoutMs);
  }

  send(frame: object): void {
    const encoded = this.#wire.encode(frame);
    const isBinary = typeof encoded !== "string";
    this.#dialled.send(isBinary ? encoded : Buffer.from(encoded), isBinary);
  }

  request(frame: object, timeoutMs: number): Promise<AnyFrame> {
    return this.#line.exchange((id) => this.send({ ...frame, id }), timeoutMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#dialled.terminate();
    this.#end();
    return Promise.resolve();
  }

  #end(): void {
    this.isOpen = false;
    this.#line.end();
  }
}
