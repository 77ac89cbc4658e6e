/** Readers that stop reading, among others that don't. */
import type { Measured } from "../../server/src/cli/bench/plan.js";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW, REDIS } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, latencyFigures, measureWarm, settled, steadyMemory, until, warmUp } from "./windows.js";

const TOPIC = "bench.slow";
const SUBSCRIBERS = 100;
/** A turn has two windows, each so much of the usual length. */
const WINDOW_SHARE = 1 / 2;

/** What is published in a window. */
interface Load {
  readonly bytes: number;
  /** Records that the average healthy reader may lack. */
  readonly ahead?: number;
  /** Records a second. */
  readonly rate?: number;
  /** Records at least. */
  readonly least: number;
}

/**
 * As much as the healthy ones take, and more than the kernel keeps for a connection that nobody reads: 12 MiB (4.5 MiB was seen). Large records, since all readers
 * get them: the slowest server took 50 s for the same in records of 1 KiB.
 */
const FILLING: Load = { bytes: 8_192, ahead: 32, least: 1_536 };
const STEADY: Load = { bytes: 1_024, rate: 1_000, least: 0 };

export const slow: Scenario = {
  name: "slow",
  title: "Stalled readers",
  about:
    "Some of the subscribers stop reading while records of 8 KiB go on (1 KiB at a fixed rate), and read again at the end. The server's RssAnon once all is quiet, before and with stalled readers, " +
    "divided by their number (for a single one that is little more than what its memory varies by); a healthy reader's deliveries a second against a reader's before; and how many of the records " +
    "that were published meanwhile the stalled ones got in the end. Windows are half as long as usual, and each server has one turn.",
  rows: [
    row("one", 1, [HUB, HUB_JSON, RAW, NATS, REDIS]),
    row("tenth", 10, [HUB, HUB_JSON, HUB_ON_WS, RAW, NATS, "ws"]),
    {
      ...row("latency", 10, [HUB, RAW, NATS], STEADY),
      title: "stalled readers, 10 of 100 stalled, 1,000 records/s",
      // So little fits into the sockets: memory would say nothing.
      figures: ["p50Us", "p99Us", "arrivedShare", "cpuNs"],
    },
  ],
};

function row(id: string, stalled: number, names: readonly string[], amount: Load = FILLING): Row {
  return {
    id: `slow/${id}`,
    title: `stalled readers, ${stalled} of ${SUBSCRIBERS} stalled`,
    unit: "delivery",
    figures: ["stalledBytes", "growthBytes", "healthyShare", "arrivedShare", "perSecond"],
    contenders: peersNamed(...names),
    limit: "what the socket has taken and can't send",
    rounds: 1,
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) =>
      turn({ server, bench: { ...bench, seconds: bench.seconds * WINDOW_SHARE }, amount }, stalled),
  };
}

interface Turn {
  readonly server: RunningPeer;
  readonly bench: Bench;
  readonly amount: Load;
}

async function turn(own: Turn, stalled: number): Promise<Figures> {
  const { server, bench } = own;
  const { load, step } = bench;
  step("all read");
  await load.readers({ target: server.target("fanout"), connections: SUBSCRIBERS, topics: [TOPIC] });
  // Twice: what the server's memory grows to in the first place isn't the stalled readers'.
  await publish(own, SUBSCRIBERS, warmUp);
  const before = await publish(own, SUBSCRIBERS, measureWarm);
  const quietBytes = await steadyMemory(server);
  const start = load.totals();
  await load.stall(stalled);
  step(`${stalled} are stalled`);
  const healthy = SUBSCRIBERS - stalled;
  const during = await publish(own, healthy, measureWarm);
  const growthBytes = (await steadyMemory(server)) - quietBytes;
  step("all read again");
  await load.resume();
  const arrivedShare = (): number => {
    const end = load.totals();
    const late = end.delivered - start.delivered - (end.deliveredHealthy - start.deliveredHealthy);
    return late / ((end.published - start.published) * stalled);
  };
  await settled(load, () => arrivedShare() === 1);
  return {
    stalledBytes: growthBytes / stalled,
    growthBytes,
    healthyShare: rateOfEach(during, healthy) / rateOfEach(before, SUBSCRIBERS),
    arrivedShare: arrivedShare(),
    ...figuresOf(during, "delivered"),
    ...latencyFigures(during.delivery),
  };
}

/** Deliveries a second to each of so many readers. */
function rateOfEach({ delivered, seconds }: Measured, readers: number): number {
  return delivered / seconds / readers;
}

/** Publishes during something, and waits until all so many who read have everything. */
async function publish<T>(
  { server, bench, amount: { least, ...amount } }: Turn,
  readers: number,
  during: (server: RunningPeer, bench: Bench) => Promise<T>,
): Promise<T> {
  const { load } = bench;
  await load.writers({ target: server.target("fanout"), connections: 1, topics: [TOPIC], ...amount });
  const before = load.totals();
  const published = (): number => load.totals().published - before.published;
  const outcome = await during(server, bench);
  await until(() => published() >= least, "records enough to fill sockets");
  await load.pauseWriters();
  await settled(load, () => load.totals().deliveredHealthy - before.deliveredHealthy === published() * readers);
  await load.endWriters();
  return outcome;
}
