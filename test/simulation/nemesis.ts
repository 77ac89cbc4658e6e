/** Does faults to a simulated world, some at the same time, until its time is over; then everything is healed. */
import type { Recorder } from "../fault/workload/recorder.js";
import type { Random } from "../support/random.js";
import type { SimulatedFault } from "./faults.js";
import { takeLastLook } from "./last-look.js";
import type { World } from "./world/world.js";

export interface NemesisOptions {
  readonly world: World;
  readonly random: Random;
  readonly recorder: Recorder;
  /** In one line each. */
  readonly lanes: readonly (readonly SimulatedFault[])[];
  /** No fault begins after so much virtual time. */
  readonly untilMs: number;
  /** The longest time between two faults of a lane. */
  readonly quietMs: number;
}

const SHORT_MS = 1_000;

/** Resolves when the last fault is healed. */
export async function torment({ lanes, ...options }: NemesisOptions): Promise<void> {
  await Promise.all(lanes.map((lane) => tormentIn(lane, { ...options, random: options.random.fork() })));
}

async function tormentIn(lane: readonly SimulatedFault[], options: Omit<NemesisOptions, "lanes">): Promise<void> {
  const { world, random, recorder, untilMs, quietMs } = options;
  for (;;) {
    // Some come right behind another.
    await world.scheduler.pause(random.oneIn(4) ? random.below(SHORT_MS) : random.below(quietMs));
    if (lane.length === 0 || world.scheduler.nowMs >= untilMs) return;
    const { name, costs, run } = random.pick(lane);
    recorder.tell({ type: "injected" });
    if (costs === "memory") takeLastLook(world, recorder);
    if (await run(world, random)) recorder.tell({ type: "fault", name, costs });
  }
}
