/** How long a record is under way when there is little to do. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_ON_WS, NATS, peersNamed, RAW, REDIS, USUAL_BYTES } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, latencyFigures, measure } from "./windows.js";

const TOPIC = "bench.latency";
const RATE = 1_000;

export const latency: Scenario = {
  name: "latency",
  title: "Latency",
  about:
    "1,000 records of 128 B a second on a schedule that waits for nobody, to 1 and to 100 subscribers; from the moment at which a record was to be sent to the moment at which a " +
    "subscriber's bytes were read, so that a record that was late because the one before it was late counts as late.",
  rows: [row(1), row(100)],
};

function row(subscribers: number): Row {
  return {
    id: `latency/${subscribers}`,
    title: `latency at 1,000 records/s, ${subscribers} subscriber${subscribers === 1 ? "" : "s"}`,
    unit: "delivery",
    figures: ["p50Us", "p90Us", "p99Us", "p999Us", "maxUs", "cpuNs"],
    contenders: peersNamed(HUB, HUB_ON_WS, RAW, NATS, REDIS),
    limit: "one wake-up of each process and one write for each subscriber, by which the last one waits for all others",
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, subscribers),
  };
}

async function turn(server: RunningPeer, bench: Bench, subscribers: number): Promise<Figures> {
  const target = server.target("fanout");
  await bench.load.readers({ target, connections: subscribers, topics: [TOPIC] });
  await bench.load.writers({ target, connections: 1, topics: [TOPIC], bytes: USUAL_BYTES, rate: RATE });
  const measured = await measure(server, bench);
  return { ...figuresOf(measured, "delivered"), ...latencyFigures(measured.delivery) };
}
