/** What the nemesis can do to a simulated world, one function each. Every one heals what it did before it ends. */
import { RingcastError } from "@ringcast/protocol";
import type { Fault } from "../fault/history/history.js";
import type { Random } from "../support/random.js";
import type { Link } from "./world/link.js";
import type { World } from "./world/world.js";

export interface SimulatedFault {
  readonly name: string;
  readonly costs: Fault["costs"];
  /** @returns whether it took effect */
  readonly run: (world: World, random: Random) => Promise<boolean>;
}

/** Runs have the first one, or all. */
export const TOPICS = ["run", "side"] as const;
const HOUR_MS = 3_600_000;
/** The longest way through a network that is slow. */
const SLOWEST_MS = 1_500;
/** A process that doesn't start is started again so much later. */
const RESTART_MS = 1_000;
const MOST_STARTS = 30;

function harmless(name: string, run: SimulatedFault["run"]): SimulatedFault {
  return { name, costs: "none", run };
}

// ---- the hub's process and its machine ---------------------------------------------------------------------------------

/** SIGKILL between two turns. */
const kill = harmless("kill", async (world, random) => {
  world.machine.kill();
  await world.scheduler.pause(100 + random.below(5_000));
  return revive(world);
});

/** SIGKILL before one of the next operations on the disk, or in the midst of it. */
const killInWriting = harmless("kill in writing", async (world, random) => {
  if (!(await goDown(world, random, "kill"))) return false;
  await world.scheduler.pause(100 + random.below(2_000));
  return revive(world);
});

/** SIGKILL, and again while the next process opens the logs. */
const killInStarting = harmless("kill in starting", async (world, random) => {
  world.machine.kill();
  world.machine.disk.crash = {
    at: world.machine.disk.operations + random.below(30),
    how: "kill",
    isTorn: random.oneIn(2),
  };
  await world.scheduler.pause(500);
  const isRevived = await revive(world);
  world.machine.disk.crash = undefined;
  return isRevived;
});

const stop = harmless("stop", async (world, random) => {
  await world.machine.stop(200 + random.below(5_000));
  await world.scheduler.pause(random.below(3_000));
  return revive(world);
});

const stall = harmless("stall", async (world, random) => {
  const ms = random.oneIn(3) ? random.below(30_000) : random.below(3_000);
  world.machine.stall(ms);
  await world.scheduler.pause(ms);
  return true;
});

const cutPower: SimulatedFault = {
  name: "power cut",
  costs: "memory",
  run: async (world, random) => {
    world.machine.cutPower();
    return powerUp(world, random);
  },
};

/** In the midst of writing. */
const cutPowerInWriting: SimulatedFault = {
  name: "power cut in writing",
  costs: "memory",
  run: async (world, random) => {
    if (!(await goDown(world, random, "power"))) return false;
    return powerUp(world, random);
  },
};

/** Has the machine go down at one of the next operations. @returns false where none comes in time */
async function goDown({ machine, scheduler }: World, random: Random, how: "kill" | "power"): Promise<boolean> {
  machine.disk.crash = { at: machine.disk.operations + random.below(20), how, isTorn: random.oneIn(2) };
  await Promise.race([machine.down(), scheduler.pause(10_000)]);
  machine.disk.crash = undefined;
  return !machine.isRunning;
}

async function powerUp(world: World, random: Random): Promise<boolean> {
  // Whatever was on its way to clients has arrived by then.
  await world.scheduler.pause(2 * SLOWEST_MS + random.below(10_000));
  world.machine.powerUp();
  return revive(world);
}

/** Starts processes until one listens, as a service manager does. */
async function revive({ machine, scheduler }: World): Promise<boolean> {
  for (let starts = 0; starts < MOST_STARTS; starts++) {
    try {
      if (await machine.start()) return true;
    } catch (error) {
      // Such as a full disk.
      if (!(error instanceof RingcastError)) throw error;
    }
    await scheduler.pause(RESTART_MS);
  }
  throw new Error(`The hub does not start, ${MOST_STARTS} times in a row`);
}

// ---- the network ---------------------------------------------------------------------------------------------------------

const cutAll = harmless("connections reset", ({ network }) => {
  const links = [...network.links];
  for (const link of links) link.cut();
  return Promise.resolve(links.length > 0);
});

const cutSome = harmless("some connections reset", ({ network }, random) =>
  Promise.resolve(someOf(network.links, random, (link) => link.cut())),
);

const halfOpen = harmless("half-open connections", ({ network }, random) =>
  Promise.resolve(someOf(network.links, random, (link) => link.lose("both"))),
);

const deafHub = harmless("clients unheard", ({ network }, random) =>
  Promise.resolve(someOf(network.links, random, (link) => link.lose("to hub"))),
);

const muteHub = harmless("hub unheard", ({ network }, random) =>
  Promise.resolve(someOf(network.links, random, (link) => link.lose("to client"))),
);

/** Nothing passes for a while; then it comes late, or the connections break. */
const partition = harmless("partition", async ({ network, scheduler }, random) => {
  network.partition();
  await scheduler.pause(500 + random.below(random.oneIn(3) ? 40_000 : 5_000));
  if (random.oneIn(3)) for (const link of network.links) link.cut();
  network.heal();
  return true;
});

const delay = harmless("delay", async ({ network: { weather }, scheduler }, random) => {
  const before = { ...weather };
  weather.latencyMs = random.below(SLOWEST_MS / 2);
  weather.jitterMs = random.below(SLOWEST_MS / 2);
  await scheduler.pause(2_000 + random.below(15_000));
  Object.assign(weather, before);
  return true;
});

const throttle = harmless("throttle", async ({ network: { weather }, scheduler }, random) => {
  const before = weather.bytesPerMs;
  weather.bytesPerMs = 1 + random.below(16);
  await scheduler.pause(2_000 + random.below(15_000));
  weather.bytesPerMs = before;
  return true;
});

/** A client takes no turn: its frames wait, its timers come late. */
const freeze = harmless("client stalled", async ({ pages, scheduler }, random) => {
  const ms = random.below(30_000);
  random.pick(pages).stalledUntilMs = scheduler.nowMs + ms;
  await scheduler.pause(ms);
  return true;
});

function someOf(links: ReadonlySet<Link>, random: Random, what: (link: Link) => void): boolean {
  const chosen = [...links].filter(() => random.oneIn(3));
  for (const link of chosen) what(link);
  return chosen.length > 0;
}

// ---- clock, disk and operator ----------------------------------------------------------------------------------------------

const clockJump = harmless("clock jump", async ({ machine: { wall }, scheduler }, random) => {
  const before = wall.aheadMs;
  wall.aheadMs += random.pick([-HOUR_MS, -5_000, -200, 5_000, HOUR_MS, 24 * HOUR_MS]);
  await scheduler.pause(random.below(10_000));
  if (random.oneIn(2)) wall.aheadMs = before;
  return true;
});

const fullDisk = harmless("full disk", async ({ machine: { disk }, scheduler }, random) => {
  disk.isFull = true;
  await scheduler.pause(1_000 + random.below(15_000));
  disk.isFull = false;
  return true;
});

const failedSync = harmless("failed sync", async ({ machine: { disk }, scheduler }, random) => {
  disk.failSyncs = 1 + random.below(3);
  await scheduler.pause(2_000 + random.below(8_000));
  const hasFired = disk.failSyncs === 0;
  disk.failSyncs = 0;
  return hasFired;
});

const slowDisk = harmless("slow disk", async ({ machine: { disk }, scheduler }, random) => {
  const before = disk.syncMs;
  disk.syncMs = { min: 50, max: 100 + random.below(5_000) };
  await scheduler.pause(2_000 + random.below(15_000));
  disk.syncMs = before;
  return true;
});

const reconfigure = harmless("reconfiguration", async (world, random) => {
  const body = {
    capacityBytes: random.pick([65_536, 131_072, 262_144]),
    retentionRecords: random.pick([0, 20, 200]),
    retentionMs: random.pick([0, 10_000, 60_000]),
  };
  return (await world.ask({ method: "PUT", path: `/v1/topics/${random.pick(TOPICS)}`, body }))?.status === 200;
});

/** What happens at the same time as the others'; within one, one after another. */
export const LANES: readonly (readonly SimulatedFault[])[] = [
  [kill, killInWriting, killInStarting, stop, stall, cutPower, cutPowerInWriting],
  [cutAll, cutSome, halfOpen, deafHub, muteHub, partition, delay, throttle, freeze],
  [clockJump, fullDisk, failedSync, slowDisk, reconfigure],
];
