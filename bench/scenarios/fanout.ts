/** One publisher, one topic, many subscribers. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW, REDIS, USUAL_BYTES } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, latencyFigures, measure, until } from "./windows.js";

const TOPIC = "bench.fanout";
const SUBSCRIBERS = [1, 10, 100, 1_000, 5_000];
const BYTES = [16, USUAL_BYTES, 1_024, 16_384];
const MOST = [HUB, NATS, RAW];
const ALL = [HUB, HUB_JSON, HUB_ON_WS, NATS, RAW, REDIS, "Mosquitto", "ws", "Socket.IO"];
const NUMBER = new Intl.NumberFormat("en-GB");

/** Subscribers and records a second: so few that no server has two records to write at once. */
const SLOW_RATES = [
  [1, 1_000],
  [10, 500],
  [100, 100],
  [1_000, 20],
] as const;

interface Setting {
  readonly subscribers: number;
  readonly bytes: number;
  readonly batch?: number;
  /** Records a second; left out: as many as the subscribers take. */
  readonly rate?: number;
}

export const fanout: Scenario = {
  name: "fanout",
  title: "Fan-out",
  about:
    "One publisher, one topic, all subscribers on one connection each. At saturation the publisher goes on while the average subscriber lacks no more than 1,000 records " +
    "(fewer where they would be more than 128 MiB for all of them), the same for every server; at a fixed rate there is never more than one record to write.",
  rows: [
    ...SUBSCRIBERS.flatMap((subscribers) => BYTES.map((bytes) => saturated({ subscribers, bytes }))),
    {
      ...row({ subscribers: 1, bytes: USUAL_BYTES, batch: 100 }, [HUB, NATS, RAW]),
      id: "fanout/1x128-batches",
      title: "fan-out at saturation, 1 subscriber, 128 B, batches of 100 published",
    },
    ...SLOW_RATES.map(([subscribers, rate]) => atRate({ subscribers, bytes: USUAL_BYTES, rate })),
  ],
};

function saturated(setting: Setting): Row {
  const { subscribers, bytes } = setting;
  const isUsual = bytes === USUAL_BYTES && subscribers <= 1_000;
  return {
    ...row(setting, isUsual ? ALL : MOST),
    id: `fanout/${subscribers}x${bytes}`,
    title: `fan-out at saturation, ${subscribersText(subscribers)}, ${NUMBER.format(bytes)} B`,
    limit:
      subscribers === 1
        ? "publishing: each record is received, stored and acknowledged for one delivery"
        : "the kernel's copies into and out of the sockets (each delivery's bytes, twice)",
  };
}

function atRate(setting: Setting): Row {
  const { subscribers, bytes, rate = 0 } = setting;
  return {
    ...row(setting, MOST),
    id: `fanout/${subscribers}x${bytes}-rate`,
    title: `fan-out of ${NUMBER.format(rate)} records/s, ${subscribersText(subscribers)}, ${bytes} B`,
    figures: ["cpuNs", "p50Us", "p99Us"],
    limit: "one write to the kernel for each delivery",
  };
}

function row(setting: Setting, names: readonly string[]): Omit<Row, "id" | "title"> {
  return {
    unit: "delivery",
    figures: ["cpuNs", "perSecond"],
    contenders: peersNamed(...names),
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, setting),
  };
}

async function turn(server: RunningPeer, bench: Bench, setting: Setting): Promise<Figures> {
  const { subscribers, bytes, batch, rate } = setting;
  const target = server.target("fanout");
  bench.step("subscribes");
  await bench.load.readers({ target, connections: subscribers, topics: [TOPIC] });
  await bench.load.writers({
    target,
    connections: 1,
    topics: [TOPIC],
    bytes,
    ...(batch === undefined ? {} : { batch }),
    ...(rate === undefined ? { ahead: aheadOf(setting) } : { rate }),
  });
  if (rate === undefined) await filled(bench, setting);
  const measured = await measure(server, bench);
  return { ...figuresOf(measured, "delivered"), ...latencyFigures(measured.delivery) };
}

/** Waits until the average subscriber has got as many records as it may lack: some servers send nothing of what they have read before they have read all of it. */
async function filled({ load }: Bench, setting: Setting): Promise<void> {
  const before = load.totals().delivered;
  const due = setting.subscribers * aheadOf(setting);
  await until(() => load.totals().delivered - before >= due, "the first records");
}

const AHEAD = 1_000;
const AHEAD_BYTES = 128 * 1024 * 1024;
/** Publishing must not stop for each single record. */
const LEAST_AHEAD = 4;

/** What all servers may have to keep for subscribers stays within their limits and this machine's memory. */
function aheadOf({ subscribers, bytes, batch = 1 }: Setting): number {
  return Math.max(LEAST_AHEAD, Math.min(AHEAD * batch, Math.floor(AHEAD_BYTES / (subscribers * bytes))));
}

function subscribersText(count: number): string {
  return `${NUMBER.format(count)} subscriber${count === 1 ? "" : "s"}`;
}
