/** The hub's process dies, stops and stalls under load; nothing that was promised is broken. */
import { describe, expect, it } from "vitest";
import { startHub } from "../../support/hub.js";
import { run, type Injection } from "./run.js";

const kill: Injection = async (hub) => {
  await hub.kill();
  await hub.restart();
  return { name: "SIGKILL", costs: "none" };
};
const terminate: Injection = async (hub) => {
  await hub.stop();
  await hub.restart();
  return { name: "SIGTERM", costs: "none" };
};
const stall: Injection = async (hub, random) => {
  process.kill(hub.pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 100 + random.below(400)));
  process.kill(hub.pid, "SIGCONT");
  return { name: "SIGSTOP", costs: "none" };
};

const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);

describe(`a hub under load (RINGCAST_SEED=${SEED})`, { timeout: 60_000 }, () => {
  it.each([
    ["is killed", [kill, kill, kill, kill]],
    ["is stopped and started", [terminate, terminate]],
    ["stalls, and is killed", [stall, kill, stall]],
  ] as const)("%s", async (_name, injections) => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "200"] });

    const { anomalies, vacuous } = await run({
      hub,
      seed: SEED,
      injections,
      demands: { acknowledged: 100, faults: injections.length },
    });

    expect(anomalies).toEqual([]);
    expect(vacuous).toEqual([]);
  });
});
