/** The hub dies under load, its network breaks, and it is stopped: nothing that was promised is broken. `npm run test:faults` has all faults, and many of each. */
import { expect, it } from "vitest";
import { startHub } from "../../support/hub.js";
import { TRANSPORTS } from "../../support/transports.js";
import { cut } from "./injections/network.js";
import { kill, terminate } from "./injections/process.js";
import { run } from "./run.js";

const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);

it.each(TRANSPORTS)(
  `keeps its promises over %s when it is killed, cut off and stopped (RINGCAST_SEED=${SEED})`,
  async (transport) => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "200", "--transport", transport] });

    const injections = [kill, cut, terminate];
    const demands = { acknowledged: 100, faults: injections.length };
    const { anomalies, vacuous } = await run({ hub, seed: SEED, injections, demands });

    expect(anomalies).toEqual([]);
    expect(vacuous).toEqual([]);
  },
  60_000,
);
