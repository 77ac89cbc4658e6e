/** The machine's power is cut, and once more soon after; `npm run test:faults` does it under load. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHub } from "../../support/hub.js";
import { JsonClient } from "../../support/json-client.js";
import type { AnyFrame } from "../../support/frame-client.js";
import { LoopDevice } from "../../support/loop-device.js";

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("a machine whose power is cut twice", () => {
  it("knows afterwards the epoch that began after the first: its readers don't go back to the tail", async () => {
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
