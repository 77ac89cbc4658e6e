/**
 * Everybody at work for as long as is asked for, with faults of every kind at random, one each 1 to 10 seconds:
 *
 *     npm run test:soak -- --minutes 60 --seed 7
 *
 * Rounds of at most a minute alternate between two hubs. One is killed, stopped, stalled and, where we are root, has its power cut; the other is stalled and has
 * its network broken only, so that its process lives from the first round to the last and shows what it doesn't let go. Each round has topics of its own, is
 * judged over its whole history, and prints a line. The exit code is 1 where anything was found.
 */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildForTests } from "../../build.mjs";
import * as network from "../fault/workload/injections/network.js";
import { cutPower } from "../fault/workload/injections/power.js";
import { kill, killAgain, stall, terminate } from "../fault/workload/injections/process.js";
import { run, type Injection } from "../fault/workload/run.js";
import { footprintOf, type Footprint } from "../support/footprint.js";
import { ask } from "../support/http-request.js";
import { startHub, type TestHub } from "../support/hub.js";
import { LoopDevice } from "../support/loop-device.js";
import { randomOf, type Random } from "../support/random.js";
import { ensureProgram, XFSPROGS } from "../support/system-packages.js";
import { TRANSPORTS } from "../support/transports.js";
import { Report, type Round } from "./endurance/report.js";

const LONGEST_ROUND_MS = 60_000;
const SHORTEST_ROUND_MS = 15_000;
/** So many rounds at least, so that each hub has some. */
const ROUNDS = 8;
const CALM_MS = { least: 1_000, most: 10_000 };
/** Records of some hundred a second: more would only fill the memory of those who take it all down. */
const THINK_MS = 40;
const TOPICS = 2;
const PARTITIONS = 3;
/** Time for what a round has left at the hub to go. */
const QUIET_MS = 3_000;
const DEVICE_BYTES = 512 * 2 ** 20;
/** The topics must be on the device before its power is cut. */
const UNTIL_SYNCED_MS = 1_500;
/** Shorter runs show how a process warms up, and no growth. */
const JUDGED_FROM_MINUTES = 10;
/** What the last quarter of the rounds may have more than the first, beside what differs from round to round. */
const MOST_GROWTH = 1.15;
const NOISE_BYTES = 8 * 2 ** 20;
/** Characters of a hub's log that are shown where a round breaks off. */
const LAST_WORDS = 4_000;
/** Logs that are not let go yet. */
const MORE_HANDLES = 2 * TOPICS * PARTITIONS;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const isRoot = process.getuid?.() === 0;
const QUICK_DRAIN = ["--drain-timeout-ms", "200"];

/** A hub and what may be done to it, in a round with a pause behind the making of its topics. */
interface Subject {
  readonly name: string;
  readonly hub: TestHub;
  /** By family: each comes as often as the others, however many faults it has. */
  readonly faults: readonly (readonly Injection[])[];
  readonly settleMs: number;
  readonly livesOn: boolean;
}

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? 60);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isSafeInteger(seed))
  throw new Error("Give --minutes a number above 0, and --seed an integer.");

async function soak(): Promise<boolean> {
  console.log(`A soak of ${minutes} minutes, --seed ${seed}${isRoot ? "" : "; without power cuts, which need root"}`);
  const random = randomOf(seed);
  const report = new Report();
  await using device = isRoot ? new LoopDevice(random.pick(["ext4", "xfs"]), DEVICE_BYTES) : undefined;
  const transports = [random.pick(TRANSPORTS), random.pick(TRANSPORTS)] as const;
  console.log(`The hub that dies listens over ${transports[0]}, the other over ${transports[1]}`);
  await using first = await startHub({ ...onDevice(device), args: [...QUICK_DRAIN, "--transport", transports[0]] });
  await using second = await startHub({ args: ["--transport", transports[1]] });
  const subjects = [mortal(first, device), lasting(second)];
  const deadline = performance.now() + minutes * 60_000;
  const roundMs = Math.max(SHORTEST_ROUND_MS, Math.min(LONGEST_ROUND_MS, (minutes * 60_000) / ROUNDS));
  for (let number = 0; performance.now() < deadline; number++) {
    const end = Math.min(deadline, performance.now() + roundMs);
    const subject = subjects[number % subjects.length] as Subject;
    const seedOfRound = random.below(2 ** 31);
    try {
      report.add(await play(subject, { number, end, seed: seedOfRound }));
    } catch (error) {
      const words = subject.hub.output().stderr.slice(-LAST_WORDS);
      report.problem(`${subject.name}, seed ${seedOfRound}: ${String(error)}\nIts last lines:\n${words}`);
      break;
    }
  }
  if (minutes >= JUDGED_FROM_MINUTES) judgeGrowth(report);
  report.finish({ minutes, seed });
  return report.isSound;
}

function onDevice(device: LoopDevice | undefined): { readonly data?: string; readonly bootIdFile?: string } {
  return device === undefined ? {} : { data: join(device.path, "data"), bootIdFile: device.bootIdFile };
}

function mortal(hub: TestHub, device: LoopDevice | undefined): Subject {
  const faults = [
    [kill, killAgain, terminate],
    [stall, ...Object.values(network)],
  ];
  if (device === undefined) return { name: "the hub that dies", hub, faults, settleMs: 0, livesOn: false };
  const withCuts = [...faults, [cutPower(device)]];
  return { name: "the hub that dies", hub, faults: withCuts, settleMs: UNTIL_SYNCED_MS, livesOn: false };
}

function lasting(hub: TestHub): Subject {
  return { name: "the hub that lives on", hub, faults: [[stall], Object.values(network)], settleMs: 0, livesOn: true };
}

interface Play {
  readonly number: number;
  /** When no further fault begins, on the monotonic clock. */
  readonly end: number;
  readonly seed: number;
}

async function play({ name, hub, faults, settleMs, livesOn }: Subject, { number, end, seed }: Play): Promise<Round> {
  const topics = Array.from({ length: TOPICS }, (_, n) => `soak-${number}-${n}`);
  const injections = chosen(faults, end, randomOf(seed));
  const demands = { acknowledged: 1, faults: 1 };
  const options = { partitions: PARTITIONS, calmMs: CALM_MS, thinkMs: THINK_MS, settleMs };
  const result = await run({ hub, seed, injections, demands, topics, ...options });
  for (const topic of topics) await ask(hub, `/v1/topics/${topic}`, { method: "DELETE" });
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  return { hub: name, seed, result, footprint: livesOn ? await footprintOf(hub) : undefined };
}

function* chosen(faults: Subject["faults"], end: number, random: Random): Iterable<Injection> {
  // A round without any would say nothing.
  do yield random.pick(random.pick(faults));
  while (performance.now() < end);
}

/** What the process holds that lived all the time, in the last quarter of its rounds against the first: the least of each, since nobody outside can ask for a collection. */
function judgeGrowth(report: Report): void {
  const all = report.footprints;
  const quarter = Math.max(1, Math.floor(all.length / 4));
  const [before, after] = [all.slice(0, quarter), all.slice(-quarter)];
  const [bytesBefore, bytesAfter] = [least(before, "rssAnonBytes"), least(after, "rssAnonBytes")];
  if (bytesAfter > bytesBefore * MOST_GROWTH + NOISE_BYTES)
    report.problem(`private memory grew from ${bytesBefore} to ${bytesAfter} bytes`);
  const [handlesBefore, handlesAfter] = [least(before, "handles"), least(after, "handles")];
  if (handlesAfter > handlesBefore + MORE_HANDLES)
    report.problem(`open handles grew from ${handlesBefore} to ${handlesAfter}`);
}

function least(footprints: readonly Footprint[], field: "rssAnonBytes" | "handles"): number {
  return Math.min(...footprints.map((each) => each[field]));
}

/** Transpiles the sources for the hubs, as the set-up of the tests does. */
async function withHubProgram(action: () => Promise<boolean>): Promise<boolean> {
  if (isRoot) ensureProgram(XFSPROGS);
  const folder = join(ROOT, ".cache", `build-soak-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    process.env["RINGCAST_TEST_LAUNCHER"] ??= await buildForTests(folder);
    return await action();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isSound = await withHubProgram(soak);
// Where a round broke off its crew is still at work.
process.exit(isSound ? 0 : 1);
