/** Hostile input that costs its sender next to nothing, on a thousand connections: what each of them costs the hub. */
import { describe, expect, it } from "vitest";
import { handshake, head, HUB, metOn, openWebSocket } from "../hostile/raw.js";
import { MemoryWatch } from "../support/footprint.js";
import { askJson } from "../support/http-request.js";
import { startInspectedHub, type InspectedHub } from "../support/inspected-hub.js";
import { dial, type RawClient } from "../support/raw-client.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { until } from "../support/until.js";
import { addRow, NOTHING, spreadOf } from "./rows.js";
import { amount } from "./scale.js";

const KIB = 1024;
const MANY = amount(1_000, 5_000);
/** Those that come first pay for what is made once. */
const FIRST = 50;
/**
 * A heap takes room in steps of megabytes, whoever comes when it does: of a begun handshake over ws 2.7 KiB are objects, and 8 to 17 were what a thousand of them seemed
 * to take. So each part of them is weighed by itself, and the one in the middle says what a connection costs.
 */
const PARTS = 5;
const DIALS = 50;
const TIMEOUT_MS = 120_000;

/** What a connection may cost that says nothing whole. */
const SLOW_BYTES = 16 * KIB;
/** Packets that a slow frame has come in, each of which ws keeps as a buffer of its own: some 400 bytes for one. */
const PACKETS = 20;
const PACKET_BYTES: Readonly<Record<TransportName, number>> = { uws: 0, ws: 512 };
/** What an event stream may cost that nobody reads; its records are much smaller. */
const STALLED_BYTES = 96 * KIB;

describe.each(TRANSPORTS)(`${MANY} connections over %s`, (transport) => {
  const start = (...args: string[]): Promise<InspectedHub> =>
    startInspectedHub({ args: ["--transport", transport, ...args] });

  function judge(what: string, { cost, peakMiB }: Cost, limit: number): void {
    const fault = `hostile: ${what} over ${transport} (${(cost / KIB).toFixed(1)} KiB each)`;
    addRow({ fault, cycles: MANY, operations: MANY, acknowledged: 0, delivered: 0, ...NOTHING, peakMiB });
    expect(cost).toBeLessThan(limit);
  }

  it("that send a byte of a frame now and then cost little each (W16)", { timeout: TIMEOUT_MS }, async () => {
    await using hub = await start();
    using crowd = new Crowd(() => openWebSocket(hub));
    const beginning = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]);
    const cost = await crowd.costOn(hub, async (newcomers) => {
      sendAll(newcomers, beginning);
      for (let byte = 0; byte < PACKETS; byte++) {
        sendAll(newcomers, "x");
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    judge("a byte of a frame now and then", cost, SLOW_BYTES + PACKETS * PACKET_BYTES[transport]);
  });

  it(
    "that begin a handshake cost little each, leave room for others, and are cut (H11)",
    { timeout: TIMEOUT_MS },
    async () => {
      await using hub = await start();
      using crowd = new Crowd(() => dial(hub.port));
      const beginning = onHub(hub, handshake()).slice(0, 60);
      const cost = await crowd.costOn(hub, (newcomers) => {
        sendAll(newcomers, beginning);
        return Promise.resolve();
      });
      using late = await openWebSocket(hub);
      expect(await metOn(hub, late, { isUnfinished: false })).toBe("ok");
      await until("all are cut", () => crowd.clients.every(({ isClosed }) => isClosed), 30_000);
      judge("a begun handshake", cost, SLOW_BYTES);
    },
  );

  it("are refused beyond maxConnections (H12)", { timeout: TIMEOUT_MS }, async () => {
    await using hub = await start("--max-connections", String(FIRST + MANY));
    using crowd = new Crowd(() => openWebSocket(hub));
    const cost = await crowd.costOn(hub, () => Promise.resolve());
    using refused = await dial(hub.port);
    refused.send(onHub(hub, handshake()));
    await refused.reads(/^HTTP\/1\.1 429 [\s\S]*"code":"too_many"/);
    judge("an idle connection", cost, SLOW_BYTES);
  });

  it("that don't read their event stream cost a buffer each (S4)", { timeout: TIMEOUT_MS }, async () => {
    await using hub = await start();
    using crowd = new Crowd(async () => {
      const client = await dial(hub.port);
      client.send(onHub(hub, head("GET /v1/topics/unread/events")));
      await client.reads(/^HTTP\/1\.1 200 /);
      client.socket.pause();
      return client;
    });
    const cost = await crowd.costOn(hub, async () => {
      const messages = Array.from({ length: 100 }, () => ({ data: "x".repeat(4_000) }));
      for (let n = 0; n < 20; n++) await askJson(hub, "POST", "/v1/topics/unread/messages", { messages });
    });
    judge("an unread event stream", cost, STALLED_BYTES);
  });
});

interface Cost {
  /** Of each connection, in bytes. */
  readonly cost: number;
  readonly peakMiB: number;
}

class Crowd implements Disposable {
  readonly clients: RawClient[] = [];
  readonly #open: () => Promise<RawClient>;

  constructor(open: () => Promise<RawClient>) {
    this.#open = open;
  }

  /** Opens all of them, has those who have just come do something, and weighs the hub. */
  async costOn(hub: InspectedHub, then: (newcomers: readonly RawClient[]) => Promise<void>): Promise<Cost> {
    using memory = new MemoryWatch(hub);
    await then(await this.#grow(FIRST));
    const costs: number[] = [];
    for (let part = 1; part <= PARTS; part++) {
      const before = await hub.keptBytes();
      await then(await this.#grow(FIRST + (part * MANY) / PARTS));
      costs.push(((await hub.keptBytes()) - before) / (MANY / PARTS));
    }
    return { cost: spreadOf(costs)?.median ?? Number.NaN, peakMiB: memory.peakMiB };
  }

  /** @returns the new ones */
  async #grow(count: number): Promise<readonly RawClient[]> {
    const from = this.clients.length;
    while (this.clients.length < count) {
      this.clients.push(...(await Promise.all(Array.from({ length: DIALS }, this.#open))));
    }
    return this.clients.slice(from);
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client.socket.destroy();
  }
}

function sendAll(clients: readonly RawClient[], bytes: Uint8Array | string): void {
  for (const client of clients) client.send(bytes);
}

function onHub(hub: InspectedHub, text: string): string {
  return text.replaceAll(HUB, `127.0.0.1:${hub.port}`);
}
