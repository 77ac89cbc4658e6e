/** The hub's process dies, stops and stalls under load, and so does its network; nothing that was promised is broken. */
import { describe, expect, it } from "vitest";
import { startHub } from "../../support/hub.js";
import { crumble, cut, delay, muteClients, muteHub } from "./injections/network.js";
import { kill, stall, terminate } from "./injections/process.js";
import { run } from "./run.js";

const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);

describe(`a hub under load (RINGCAST_SEED=${SEED})`, { timeout: 60_000 }, () => {
  it.each([
    ["is killed", [kill, kill, kill]],
    ["is stopped and started, stalls and is killed", [terminate, stall, kill]],
    ["loses its connections", [cut, muteHub, muteClients, cut]],
    ["is far away, and killed over there", [delay, crumble, kill, delay]],
  ] as const)("%s", async (_name, injections) => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "200"] });

    const demands = { acknowledged: 100, faults: injections.length };
    const { anomalies, vacuous } = await run({ hub, seed: SEED, injections, demands });

    expect(anomalies).toEqual([]);
    expect(vacuous).toEqual([]);
  });
});
