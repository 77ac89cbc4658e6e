/** Everybody is cut off at once, and comes back. */
import { setTimeout as pause } from "node:timers/promises";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW, USUAL_BYTES } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { connectFigures, latencyFigures, settled } from "./windows.js";

const TOPIC = "bench.storm";
/** Records a second, so that there is something to go on with; 100 would be 500,000 deliveries a second, which are all that a core can do. */
const RATE = 4;
const SETTLE_MS = 500;

export const storm: Scenario = {
  name: "storm",
  title: "Everybody comes back",
  about:
    "All subscribers' connections are reset at once; each dials again at once and subscribes, at the position where it was if the server knows positions, while 4 records a second go on. Until the last one's " +
    "subscription is in force; the outage is each one's own. In the end what was published must have arrived at all of them, once: those that know no positions lose what was published meanwhile. " +
    "Processor time includes the records that go to those who are back already, a write each: the longer a storm lasts, the more of them.",
  rows: [row(1_000), row(5_000)],
};

function row(subscribers: number): Row {
  return {
    id: `storm/${subscribers}`,
    title: `storm, ${subscribers.toLocaleString("en-GB")} cut at once and resumed`,
    unit: "subscriber",
    figures: ["wallMs", "cpuNs", "p50Us", "p99Us", "maxUs", "arrivedShare"],
    contenders: peersNamed(HUB, HUB_JSON, HUB_ON_WS, RAW, NATS),
    limit:
      "the generator's one thread: dialling, with the kernel's work for both ends of the handshake, costs it more than a server's whole work for a connection",
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, subscribers),
  };
}

async function turn(server: RunningPeer, bench: Bench, subscribers: number): Promise<Figures> {
  const { load, step } = bench;
  const target = server.target("fanout");
  step("subscribes");
  await load.readers({ target, connections: subscribers, topics: [TOPIC] });
  const before = load.totals();
  await load.writers({ target, connections: 1, topics: [TOPIC], bytes: USUAL_BYTES, rate: RATE });
  await pause(SETTLE_MS);
  step("cut off");
  const { joined, figures } = await connectFigures(server, () => load.cut());
  await pause(SETTLE_MS);
  await load.pauseWriters();
  const arrivedShare = (): number => {
    const { delivered, published } = load.totals();
    return (delivered - before.delivered) / ((published - before.published) * subscribers);
  };
  await settled(load, () => arrivedShare() === 1);
  return {
    ...figures,
    wallMs: joined.seconds * 1_000,
    ...latencyFigures(joined.outage),
    arrivedShare: arrivedShare(),
  };
}
