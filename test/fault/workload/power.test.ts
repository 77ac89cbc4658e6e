/** The machine's power is cut under load: what was `synced` is there, and what is gone is announced to every reader. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHub } from "../../support/hub.js";
import { JsonClient } from "../../support/json-client.js";
import type { AnyFrame } from "../../support/frame-client.js";
import { LoopDevice } from "../../support/loop-device.js";
import { run, type Injection } from "./run.js";

const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);
const CYCLES = Number(process.env["RINGCAST_CYCLES"] ?? 3);
const isRoot = process.getuid?.() === 0;
/** The topic itself must be on the device: it is, a second after it was made. */
const UNTIL_SYNCED_MS = 1_500;

describe.skipIf(!isRoot)(`a machine whose power is cut (RINGCAST_SEED=${SEED})`, () => {
  it(
    "loses no synced record, and tells every reader what is gone",
    async () => {
      await using device = new LoopDevice("ext4", 256 * 2 ** 20);
      const hub = await startHub({ data: join(device.path, "data"), bootIdFile: device.bootIdFile });
      const cutPower: Injection = async () => {
        device.cutPower();
        await hub.kill();
        await device.powerUp();
        await hub.restart();
        return { name: "power cut", costs: "memory" };
      };
      try {
        const injections = Array.from({ length: CYCLES }, () => cutPower);
        const demands = { acknowledged: CYCLES * 30, faults: CYCLES };

        const { anomalies, vacuous } = await run({ hub, seed: SEED, injections, demands, settleMs: UNTIL_SYNCED_MS });

        expect(anomalies).toEqual([]);
        expect(vacuous).toEqual([]);
      } finally {
        await hub[Symbol.asyncDispose]();
      }
    },
    60_000 + CYCLES * 20_000,
  );

  it("knows after a second cut the epoch that began after the first: its readers don't go back to the tail", async () => {
    await using device = new LoopDevice("ext4", 64 * 2 ** 20);
    const hub = await startHub({ data: join(device.path, "data"), bootIdFile: device.bootIdFile });
    const cutPower = async (): Promise<void> => {
      device.cutPower();
      await hub.kill();
      await device.powerUp();
      await hub.restart();
    };
    const publish = async (durability: string): Promise<AnyFrame> => {
      await using client = await JsonClient.connect(hub.wsUrl);
      return await client.request({ op: "publish", topic: "t", data: durability, durability });
    };
    try {
      const kept = await publish("synced");
      await publish("stored");
      await cutPower();
      const { epoch, offset } = await publish("stored");
      expect(epoch).not.toBe(kept.epoch);
      await cutPower();

      await using reader = await JsonClient.connect(hub.wsUrl);
      await reader.request({
        op: "subscribe",
        topic: "t",
        from: { positions: { "0": { epoch, offset: offset + 1 } } },
      });

      expect(await reader.nextOf("gap")).toMatchObject({ reason: "epoch", from: offset + 1, next: kept.offset + 1 });
    } finally {
      await hub[Symbol.asyncDispose]();
    }
  });
});
