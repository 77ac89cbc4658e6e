/** What hostile input costs a bystander in time: his messages, beside it and without it, in turns. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BYSTANDER_TOPIC } from "../hostile/bystander.js";
import type { HostileCase } from "../hostile/case.js";
import { aheadOn, chooseCores, stayOn, type Cores } from "../hostile/timing/cores.js";
import { TimedBystander } from "../hostile/timing/timed-bystander.js";
import { ask } from "../support/http-request.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { FAMILIES, metAsItShould, outcomeOn, type Family } from "./hostile-families.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

/** A bystander's p99 may grow by this factor. */
const MOST_RATIO = 1.5;
/** Below it a difference is what the scheduler makes of it. */
const NOISE_MS = 1;
/** A busy machine makes a run worse, never better. */
const RUNS = 3;
/** Fewer messages of a kind say nothing about one in a hundred. */
const LEAST_MESSAGES = 1_000;
/** At 500 messages a second, some 1,400 of each kind; in the long run 10,000. */
const STRETCHES = amount(8, 60);
const STRETCH_MS = 350;
const TIMEOUT_MS = amount(180_000, 900_000);

/** From here on it is the bytes that cost, whatever they say: a frame is read before it is judged. */
const LARGE_BYTES = 256 * 1024;
/** 100,000 positions: half as much again as the largest legal frame takes, which docs/guarantees.md says. */
const EXCEPTED = /^J15[pq]$/;
/** A reference above says that the machine was busy, and nothing of the hub. */
const MOST_QUIET_MS = 20;
/** The largest legal frame: what it takes, and as much again. */
const MOST_LEGAL_MS = 250;

const chosen = chooseCores();
if (typeof chosen === "string") console.warn(`\n  ${chosen}\n`);
const cores = chosen as Cores;

describe.skipIf(typeof chosen === "string")("a bystander's messages", () => {
  let stay: Disposable;
  beforeAll(() => void (stay = stayOn(cores.others)));
  afterAll(() => stay[Symbol.dispose]());

  it.each(FAMILIES)("take as long beside $name over $transport", { timeout: TIMEOUT_MS }, async (family) => {
    const cases = refusedOf(family).filter(({ sentBytes = 0 }) => sentBytes < LARGE_BYTES);
    await compare(`${family.name} over ${family.transport}`, family, cases, QUIET);
  });

  it(
    "take no longer beside large frames that are refused than beside those that are taken",
    {
      timeout: TIMEOUT_MS,
    },
    async () => {
      const transport = TRANSPORTS[0] as TransportName;
      const families = FAMILIES.filter((family) => family.transport === transport && family.args === undefined);
      const cases = families
        .flatMap(refusedOf)
        .filter(({ id, sentBytes = 0 }) => sentBytes >= LARGE_BYTES && !EXCEPTED.test(id));
      await compare("large frames", { transport }, cases, { begin: publishLarge, mostMs: MOST_LEGAL_MS });
    },
  );
});

/** Those that are refused, and do nothing else. */
function refusedOf({ cases, transport }: Family): HostileCase[] {
  return cases.filter((each) => {
    const isRefused = outcomeOn(each, transport) !== "ok" && each.patientOver?.includes(transport) !== true;
    return isRefused && each.sentBytes !== undefined;
  });
}

interface Reference {
  /** @returns what is done again and again in a stretch of it, until that is over */
  readonly begin: (hub: TestHub) => () => Promise<void>;
  /** Its p99 at most, where the machine has time for the hub. */
  readonly mostMs: number;
}

const QUIET: Reference = {
  begin: () => () => new Promise((resolve) => setTimeout(resolve, STRETCH_MS)),
  mostMs: MOST_QUIET_MS,
};

async function compare(
  what: string,
  { transport, args = [] }: Pick<Family, "transport" | "args">,
  cases: readonly HostileCase[],
  reference: Reference,
): Promise<void> {
  const isGood = ({ quiet, meanwhile, ratio }: Compared): boolean =>
    quiet <= reference.mostMs && (ratio <= MOST_RATIO || meanwhile - quiet <= NOISE_MS);
  let run = await timed({ transport, args }, cases, reference);
  for (let runs = 1; !isGood(run) && runs < RUNS; runs++) run = await timed({ transport, args }, cases, reference);

  const { messages, tries, quiet, meanwhile, ratio } = run;
  addRow({
    ...{ fault: `hostile: a bystander beside ${what}`, cycles: tries, operations: tries, acknowledged: messages },
    ...{ delivered: messages, ...NOTHING, bystanderP99Ms: { quiet, meanwhile, ratio } },
  });
  expect(run).toSatisfy(isGood);
}

interface Compared {
  readonly messages: number;
  readonly tries: number;
  /** p99, milliseconds. */
  readonly quiet: number;
  readonly meanwhile: number;
  readonly ratio: number;
}

async function timed(
  { transport, args = [] }: Pick<Family, "transport" | "args">,
  cases: readonly HostileCase[],
  reference: Reference,
): Promise<Compared> {
  await using hub = await startHub({ runBy: aheadOn(cores.hub), args: ["--transport", transport, ...args] });
  const calm = reference.begin(hub);
  for (const each of cases) await metAsItShould(each, { hub, transport });
  await using bystander = await TimedBystander.start(hub, cores.others);
  let tries = 0;
  const attack = (): Promise<void> => metAsItShould(cases[tries++ % cases.length] as HostileCase, { hub, transport });
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    await bystander.during("reference", () => again(calm));
    await bystander.during("hostile", () => again(attack));
    // What the last one has left to do is nobody's.
    await ask(hub, "/healthz");
  }
  const { messages, latencies } = await bystander.report();
  expect(Math.min(latencies.reference.length, latencies.hostile.length)).toBeGreaterThan(LEAST_MESSAGES);
  const [quiet, meanwhile] = [p99(latencies.reference), p99(latencies.hostile)];
  return { messages, tries, quiet, meanwhile, ratio: Math.round((meanwhile / quiet) * 100) / 100 };
}

/** Does something again and again until a stretch is over. */
async function again(what: () => Promise<void>): Promise<void> {
  const until = performance.now() + STRETCH_MS;
  while (performance.now() < until) await what();
}

/** The most that a legal frame may ask for. */
function publishLarge(hub: TestHub): () => Promise<void> {
  const messages = Array.from({ length: 9_000 }, (_, n) => ({ data: Array<number>(190).fill(n % 10) }));
  const client = JsonClient.connect(hub.wsUrl);
  return async () => {
    const { op } = await (await client).request({ op: "publish", topic: `${BYSTANDER_TOPIC}.large`, messages });
    expect(op).toBe("published");
  };
}

function p99(latencies: readonly number[]): number {
  const ascending = latencies.toSorted((a, b) => a - b);
  return Math.round((ascending[Math.floor(ascending.length * 0.99)] ?? 0) * 100) / 100;
}
