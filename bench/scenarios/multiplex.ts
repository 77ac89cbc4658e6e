/** Many connections with several subscriptions each. */
import type { Totals } from "../../server/src/cli/bench/generator.js";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_ON_WS, NATS, peersNamed, RAW, REDIS, USUAL_BYTES } from "./contenders.js";
import type { Bench, Scenario } from "./scenario.js";
import { figuresOf, measure, settled, until } from "./windows.js";

const CONNECTIONS = 1_000;
const TOPICS_EACH = 10;
const TOPICS = Array.from({ length: 1_000 }, (_, n) => `bench.multiplex.${n}`);
const CAPACITY_BYTES = 256 * 1024;
const AHEAD = 1_000;

export const multiplex: Scenario = {
  name: "multiplex",
  title: "Many topics on many connections",
  about:
    "1,000 connections with 10 subscriptions each over 1,000 topics, so that each topic has 10 subscribers; one publisher goes round all topics with records of 128 B, at saturation. " +
    "In the end all that was published must have arrived ten times.",
  rows: [
    {
      id: "multiplex/1000x10",
      title: "multiplex, 1,000 connections × 10 of 1,000 topics",
      unit: "delivery",
      figures: ["cpuNs", "perSecond", "arrivedShare"],
      contenders: peersNamed(HUB, HUB_ON_WS, RAW, NATS, REDIS),
      limit:
        "few records to merge: nearly every delivery is a frame, ten of them a write; and what the hub knows of a topic or a cursor has left the processor's cache when it is needed again",
      prepare: async (server) => server.prepare?.(TOPICS, CAPACITY_BYTES),
      turn,
    },
  ],
};

async function turn(server: RunningPeer, bench: Bench): Promise<Figures> {
  const { load } = bench;
  const target = server.target("fanout");
  const before = load.totals();
  await load.readers({ target, connections: CONNECTIONS, topics: TOPICS, perConnection: TOPICS_EACH });
  await load.writers({ target, connections: 1, topics: TOPICS, bytes: USUAL_BYTES, ahead: AHEAD });
  // Each topic's first record makes its log.
  await until(() => load.totals().delivered - before.delivered >= TOPICS.length * TOPICS_EACH, "the first round");
  const measured = await measure(server, bench);
  const arrivedShare = await arrived(bench, before);
  return { ...figuresOf(measured, "delivered"), arrivedShare };
}

/** Publishes no more, and counts what has arrived once nothing comes any more. */
async function arrived({ load }: Bench, before: Totals): Promise<number> {
  await load.pauseWriters();
  const share = (): number => {
    const { published, delivered } = load.totals();
    return (delivered - before.delivered) / ((published - before.published) * TOPICS_EACH);
  };
  await settled(load, () => share() === 1);
  return share();
}
