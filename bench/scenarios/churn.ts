/** Subscriptions that come and go. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW, REDIS } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, measure } from "./windows.js";

const TOPICS = Array.from({ length: 1_000 }, (_, n) => `bench.churn.${n}`);
const CAPACITY_BYTES = 64 * 1024;

export const churn: Scenario = {
  name: "churn",
  title: "Subscriptions that come and go",
  about:
    "Connections that subscribe to one of 1,000 topics after the other and end each subscription as soon as it is in force. Answers of both kinds are counted.",
  rows: [row(1, 16), row(100, 1), row(100, 16)],
};

function row(connections: number, inflight: number): Row {
  return {
    id: `churn/${connections}x${inflight}`,
    title: `churn, ${connections} connection${connections === 1 ? "" : "s"}, ${inflight} request${inflight === 1 ? "" : "s"} under way on each`,
    unit: "request",
    figures: ["cpuNs", "perSecond"],
    contenders: peersNamed(HUB, HUB_JSON, HUB_ON_WS, RAW, NATS, REDIS),
    limit: "a request and its answer; opening a cursor",
    prepare: async (server) => server.prepare?.(TOPICS, CAPACITY_BYTES),
    turn: (server, bench) => turn(server, bench, { connections, inflight }),
  };
}

async function turn(
  server: RunningPeer,
  bench: Bench,
  plan: { readonly connections: number; readonly inflight: number },
): Promise<Figures> {
  await bench.load.churners({ target: server.target("fanout"), topics: TOPICS, ...plan });
  return figuresOf(await measure(server, bench), "subscribed");
}
