/** The machine's power is cut, and comes back. */
import { readFileSync } from "node:fs";
import type { LoopDevice } from "../../../support/loop-device.js";
import { until } from "../../../support/until.js";
import type { Injection } from "../run.js";

/**
 * The hub stands still before its device goes: a sync that ext4's shutdown meets on its way may be told as done although its pages are not there (Linux 6.18,
 * 1 of 16 shutdowns), and without power nobody could say so.
 *
 * @param device where the hub's data is; it was started with the device's boot id
 */
export function cutPower(device: LoopDevice): Injection {
  return async ({ hub }) => {
    process.kill(hub.pid, "SIGSTOP");
    await until("the hub stands still", () => isStopped(hub.pid));
    device.cutPower();
    await hub.kill();
    await device.powerUp();
    await hub.restart();
    return { name: "power cut", costs: "memory" };
  };
}

/** Of its main thread, which alone answers anybody. */
function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}
