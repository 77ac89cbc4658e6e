/** Faults of the network while everybody works on the hub. */
import { describe, expect, it } from "vitest";
import { harmless } from "../fault/workload/injections/harmless.js";
import * as injections from "../fault/workload/injections/network.js";
import { run, type Injection } from "../fault/workload/run.js";
import { backToBase, footprintOf, MemoryWatch } from "../support/footprint.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { ReconnectingReaders } from "../support/reconnecting-readers.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { TRANSPORTS } from "../support/transports.js";
import { addRow, addRunRow, NOTHING, spreadOf } from "./rows.js";
import { amount, cycles, SEED } from "./scale.js";

const CYCLES = cycles(3, 25);
/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 20_000;
/** Files of the logs that a run opens. */
const LOG_HANDLES = 4;

describe(`faults of the network under load (RINGCAST_SEED=${SEED}, ${CYCLES} cycles)`, () => {
  const faults = Object.entries(injections).flatMap(([fault, injection]) =>
    TRANSPORTS.map((transport) => [fault, transport, injection] as const),
  );

  it.each(faults)(
    "%s over %s",
    async (fault, transport, injection: Injection) => {
      await using hub = await startHub({ args: ["--drain-timeout-ms", "200", "--transport", transport] });
      const base = await footprintOf(hub);

      const result = await runCycles(hub, injection);

      addRunRow(`network: ${fault} over ${transport}`, result);
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
      await backToBase(hub, base, LOG_HANDLES);
    },
    CYCLES * CYCLE_MS + 30_000,
  );

  it.each(TRANSPORTS)(
    "rolling restart over %s: clients are told to come back, nobody loses anything, no user of the SDK gets anything twice",
    async (transport) => {
      await using hub = await startHub({ args: ["--drain-timeout-ms", "1000", "--transport", transport] });

      const result = await runCycles(hub, async () => {
        await hub.stop();
        await hub.restart();
        return harmless("rolling restart");
      });

      addRunRow(`network: rolling restart over ${transport}`, result);
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
    },
    CYCLES * CYCLE_MS + 30_000,
  );
});

function runCycles(hub: TestHub, injection: Injection): ReturnType<typeof run> {
  const demands = { acknowledged: CYCLES * 30, faults: CYCLES };
  return run({ hub, seed: SEED, injections: Array.from({ length: CYCLES }, () => injection), demands });
}

describe("many connections at once", () => {
  const CONNECTIONS = amount(200, 5_000);
  const SUBSCRIBERS = amount(1_000, 5_000);

  it("that are half open are let go when their time is over, with all that was held for them", async () => {
    await using hub = await startHub({ args: ["--idle-timeout-ms", "1500", "--ping-interval-ms", "400"] });
    const publisher = await JsonClient.connect(hub.wsUrl);
    await publisher.request({ op: "publish", topic: "t", data: 0 });
    await publisher[Symbol.asyncDispose]();
    const base = await footprintOf(hub);
    using memory = new MemoryWatch(hub);
    await using network = await startTcpProxy(hub.port);
    const clients = await connectMany(`${network.wsUrl}/v1/ws`, CONNECTIONS);
    const held = await footprintOf(hub);
    const began = performance.now();

    network.loseClients();
    await Promise.all(clients.map(({ closed }) => closed));
    await backToBase(hub, base);

    addRow({
      ...NOTHING,
      fault: "network: half open",
      cycles: CONNECTIONS,
      operations: CONNECTIONS,
      acknowledged: 1,
      delivered: 0,
      ...spread([performance.now() - began]),
      peakMiB: memory.peakMiB,
    });
    expect([held.connections, held.cursors]).toEqual([CONNECTIONS, CONNECTIONS]);
  }, 60_000);

  it("that are cut and come back all at once go on exactly where they stood", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "1000"] });
    await using publisher = await Publisher.start(hub);
    using memory = new MemoryWatch(hub);
    const options = { port: hub.port, topic: Publisher.TOPIC, subscribers: SUBSCRIBERS, processes: 2 };
    await using readers = await ReconnectingReaders.start(options);
    const { rssAnonBytes } = await footprintOf(hub);
    const tookMs: number[] = [];

    for (const storm of STORMS) {
      const resumed = readers.resumed();
      if (storm === "network") readers.cut();
      else {
        await (storm === "killed" ? hub.kill() : hub.stop());
        await hub.restart();
      }
      tookMs.push((await resumed).lastMs);
    }
    const published = await publisher.stop();
    const { gaps, breaks } = await readers.reach(published);

    addRow({
      ...NOTHING,
      fault: `network: ${SUBSCRIBERS} reconnect at once`,
      cycles: STORMS.length,
      operations: STORMS.length * SUBSCRIBERS,
      acknowledged: published,
      delivered: published * SUBSCRIBERS,
      lost: gaps,
      unannounced: breaks,
      ...spread(tookMs),
      peakMiB: memory.peakMiB,
    });
    expect({ gaps, breaks }).toEqual({ gaps: 0, breaks: 0 });
    expect(published).toBeGreaterThan(STORMS.length);
    expect(memory.peakBytes).toBeLessThan(2 * rssAnonBytes);
  }, 180_000);
});

const STORMS = ["network", "killed", "network", "stopped"] as const;

async function connectMany(url: string, count: number): Promise<JsonClient[]> {
  const clients: JsonClient[] = [];
  while (clients.length < count) {
    const dials = Array.from({ length: Math.min(50, count - clients.length) }, async () => {
      const client = await JsonClient.connect(url);
      await client.request({ op: "subscribe", topic: "t" });
      return client;
    });
    clients.push(...(await Promise.all(dials)));
  }
  return clients;
}

/** Publishes one record after another, also while the hub is away; each once. */
class Publisher implements AsyncDisposable {
  static readonly TOPIC = "storm";
  static readonly #EVERY_MS = 50;
  readonly #url: string;
  readonly #done: Promise<void>;
  #published = 0;
  #mayGoOn = true;

  private constructor(hub: TestHub) {
    this.#url = `${hub.url}/v1/topics/${Publisher.TOPIC}/messages`;
    this.#done = this.#run();
  }

  /** Returns when the first record is there. */
  static async start(hub: TestHub): Promise<Publisher> {
    const publisher = new Publisher(hub);
    while (publisher.#published === 0) await pause(Publisher.#EVERY_MS);
    return publisher;
  }

  /** @returns how many were published */
  async stop(): Promise<number> {
    this.#mayGoOn = false;
    await this.#done;
    return this.#published;
  }

  async #run(): Promise<void> {
    while (this.#mayGoOn) {
      const producer = { id: "p", sequence: this.#published };
      const body = JSON.stringify({ data: this.#published, producer });
      const headers = { "content-type": "application/json" };
      const response = await fetch(this.#url, { method: "POST", headers, body }).catch(() => undefined);
      await response?.arrayBuffer().catch(() => undefined);
      if (response?.ok === true) this.#published++;
      await pause(Publisher.#EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function spread(values: readonly number[]): { recoveryMs?: { median: number; max: number } } {
  const recoveryMs = spreadOf(values.map(Math.round));
  return recoveryMs === undefined ? {} : { recoveryMs };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
