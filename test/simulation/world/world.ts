/** Everything that a seed makes: time, network, the hub's machine, and the places where clients are. */
import type { ConnectOptions, Transport } from "@ringcast/client";
import { jsonCodec } from "../../../client-sdk/src/json-codec.js";
import type { Surroundings } from "../../fault/workload/surroundings.js";
import type { Random } from "../../support/random.js";
import { ProcessGone, SimulatedDisk } from "../disk/simulated-disk.js";
import { openEvents, request, type Answer, type Request } from "./http.js";
import { Machine, type MachineOptions } from "./machine.js";
import { Network } from "./network.js";
import type { Weather } from "./pipe.js";
import { connectRaw, type ClientPlace } from "./raw-clients.js";
import { sdkRuntime } from "./runtimes.js";
import { Host, Scheduler } from "./scheduler.js";

const PATIENCE_MS = 10_000;
const RETRY_MS = 500;

export interface WorldOptions extends Pick<MachineOptions, "workUs" | "onEvent"> {
  readonly random: Random;
  readonly weather: Weather;
  readonly kernelBytes: number;
  readonly regions: "mapped" | "file";
}

export class World {
  /** For whatever the run decides; parts of the world have generators of their own. */
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly machine: Machine;
  /** Where clients run. */
  readonly pages: Host[] = [];
  #clients = 0;

  constructor({ random, weather, kernelBytes, regions, ...machine }: WorldOptions) {
    this.random = random;
    this.scheduler = new Scheduler(random.fork());
    this.scheduler.isNobodys = isOfTheDead;
    const { scheduler } = this;
    this.network = new Network({ scheduler, random: random.fork(), weather, kernelBytes });
    const disk = new SimulatedDisk({
      random: random.fork(),
      setTimer: (delayMs, callback) => scheduler.schedule(delayMs, undefined, callback),
      regions,
    });
    this.machine = new Machine({ scheduler, network: this.network, random: random.fork(), disk, ...machine });
  }

  /** What is around a client on a machine of its own. */
  surroundings(): Surroundings {
    const { scheduler, random, pages } = this;
    const place = this.#place();
    const { host } = place;
    pages.push(host);
    const options: ConnectOptions = {
      runtime: sdkRuntime(scheduler, host, random.fork()),
      transport: transportOf(place),
      ...(random.oneIn(2) ? { codec: jsonCodec } : {}),
    };
    return {
      nowMs: () => scheduler.nowMs,
      pause: (ms) => scheduler.pause(ms, host),
      retryMs: RETRY_MS,
      connect: (dialect) => connectRaw(place, dialect),
      sdk: { url: "ws://hub.simulated:7447", options },
      openEvents: (topic, lastEventId) => {
        const headers = lastEventId === "" ? {} : { "last-event-id": lastEventId };
        const path = `/v1/topics/${topic}/events`;
        return openEvents(place, { method: "GET", path, query: "from=earliest", headers }, PATIENCE_MS);
      },
    };
  }

  /** An operator's request. @returns undefined where no answer came in time */
  ask(what: Request): Promise<Answer | undefined> {
    return request(this.#place(), what, PATIENCE_MS);
  }

  #place(): ClientPlace {
    const { scheduler, network } = this;
    return { scheduler, network, host: new Host(), remoteAddress: `10.0.0.${++this.#clients}` };
  }
}

/** What a process throws, or makes of it, that has died in the midst of a call. */
function isOfTheDead(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof ProcessGone) return true;
  return false;
}

/** The SDK's network. */
function transportOf({ network, host, remoteAddress }: ClientPlace): Transport {
  return (_url, subprotocol, handler) => {
    const dialled = network.dial(host, remoteAddress, subprotocol, {
      received: (bytes, isBinary) => handler.received(isBinary ? bytes : textOf(bytes)),
      closed: (code, reason) => handler.closed(code, reason),
    });
    return {
      send: (data) => {
        const isBinary = typeof data !== "string";
        dialled.send(isBinary ? data : Buffer.from(data), isBinary);
      },
      close: () => dialled.close(),
    };
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
