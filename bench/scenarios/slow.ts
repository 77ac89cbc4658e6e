/** Readers that stop reading, among others that don't. */
import type { Measured } from "../../server/src/cli/bench/plan.js";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW, REDIS } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, latencyFigures, measure, settled, steadyMemory, until } from "./windows.js";

const TOPIC = "bench.slow";
const BYTES = 1_024;
const AHEAD = 100;
/** Records that are published at least: 12 MiB, which is more than the kernel keeps for a connection (tcp_wmem and tcp_rmem: up to 4 and 6 MiB). */
const LEAST = 12_000;

interface Setting {
  readonly subscribers: number;
  readonly stalled: number;
  /** Records a second; left out: as many as the healthy ones take. */
  readonly rate?: number;
}

export const slow: Scenario = {
  name: "slow",
  title: "Stalled readers",
  about:
    "Some of the subscribers stop reading while records of 1 KiB go on, and read again at the end. The server's RssAnon once all is quiet, before and with stalled readers, divided by their number " +
    "(for a single one that is little more than what its memory varies by); a healthy reader's deliveries a second against a reader's before; and how many of the records that were " +
    "published meanwhile the stalled ones got in the end.",
  rows: [
    row("one", "1 of 100 stalled", { subscribers: 100, stalled: 1 }, [HUB, HUB_JSON, RAW, NATS, REDIS]),
    row("tenth", "20 of 200 stalled", { subscribers: 200, stalled: 20 }, [HUB, HUB_JSON, HUB_ON_WS, RAW, NATS, "ws"]),
    {
      ...row("latency", "10 of 100 stalled, 1,000 records/s", { subscribers: 100, stalled: 10, rate: 1_000 }, [
        HUB,
        RAW,
        NATS,
      ]),
      figures: ["p50Us", "p99Us", "stalledBytes", "arrivedShare", "cpuNs"],
    },
  ],
};

function row(id: string, what: string, setting: Setting, names: readonly string[]): Row {
  return {
    id: `slow/${id}`,
    title: `stalled readers, ${what}`,
    unit: "delivery",
    figures: ["stalledBytes", "growthBytes", "healthyShare", "arrivedShare", "perSecond"],
    contenders: peersNamed(...names),
    limit: "what the socket has taken and can't send",
    isFresh: true,
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, setting),
  };
}

async function turn(server: RunningPeer, bench: Bench, setting: Setting): Promise<Figures> {
  const { load, step } = bench;
  const { subscribers, stalled } = setting;
  step("all read");
  await load.readers({ target: server.target("fanout"), connections: subscribers, topics: [TOPIC] });
  // Twice: what the server's memory grows to in the first place isn't the stalled readers'.
  await publish(server, bench, setting);
  const before = await publish(server, bench, setting);
  const quietBytes = await steadyMemory(server);
  const start = load.totals();
  await load.stall(stalled);
  step(`${stalled} are stalled`);
  const during = await publish(server, bench, setting);
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
    healthyShare: rateOfEach(during, subscribers - stalled) / rateOfEach(before, subscribers),
    arrivedShare: arrivedShare(),
    ...figuresOf(during, "delivered"),
    ...latencyFigures(during.delivery),
  };
}

/** Deliveries a second to each of so many readers. */
function rateOfEach({ delivered, seconds }: Measured, readers: number): number {
  return delivered / seconds / readers;
}

/** Publishes for a window, and waits until everybody who reads has everything. */
async function publish(server: RunningPeer, bench: Bench, { rate }: Setting): ReturnType<typeof measure> {
  const { load } = bench;
  const gate = rate === undefined ? { ahead: AHEAD } : { rate };
  const target = server.target("fanout");
  await load.writers({ target, connections: 1, topics: [TOPIC], bytes: BYTES, ...gate });
  const before = load.totals();
  const measured = await measure(server, bench);
  const least = rate === undefined ? LEAST : 0;
  await until(() => load.totals().published - before.published >= least, "records enough to fill sockets");
  await load.pauseWriters();
  await settled(load, () => false);
  await load.endWriters();
  return measured;
}
