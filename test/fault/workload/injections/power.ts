/** The machine's power is cut, and comes back. */
import type { LoopDevice } from "../../../support/loop-device.js";
import type { Injection } from "../run.js";

/** @param device where the hub's data is; it was started with the device's boot id */
export function cutPower(device: LoopDevice): Injection {
  return async ({ hub }) => {
    device.cutPower();
    await hub.kill();
    await device.powerUp();
    await hub.restart();
    return { name: "power cut", costs: "memory" };
  };
}
