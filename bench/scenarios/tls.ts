/** What encryption costs: the same as without, over TLS. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, peersNamed, USUAL_BYTES } from "./contenders.js";
import { hubOverTls } from "./hub-peers.js";
import type { Bench, Scenario } from "./scenario.js";
import { connectFigures, figuresOf, measure } from "./windows.js";

const TOPIC = "bench.tls";
const SUBSCRIBERS = 100;
const CONNECTIONS = 500;
const AHEAD = 1_000;
const contenders = [...peersNamed(HUB), hubOverTls];

export const tls: Scenario = {
  name: "tls",
  title: "TLS",
  about: "The hub with a certificate (EC, P-256) beside one without.",
  rows: [
    {
      id: "tls/fanout",
      title: "fan-out at saturation, 100 subscribers, 128 B, with and without TLS",
      unit: "delivery",
      figures: ["cpuNs", "perSecond"],
      contenders,
      limit: "AES of each subscriber's bytes, each with a key of its own",
      turn: deliver,
    },
    {
      id: "tls/connect",
      title: "500 connections, with and without TLS",
      unit: "connection",
      figures: ["cpuNs", "perSecond"],
      contenders,
      limit: "the signature and the key exchange of each handshake",
      turn: connect,
    },
  ],
};

async function deliver(server: RunningPeer, bench: Bench): Promise<Figures> {
  const target = server.target("fanout");
  await bench.load.readers({ target, connections: SUBSCRIBERS, topics: [TOPIC] });
  await bench.load.writers({ target, connections: 1, topics: [TOPIC], bytes: USUAL_BYTES, ahead: AHEAD });
  return figuresOf(await measure(server, bench), "delivered");
}

async function connect(server: RunningPeer, { load }: Bench): Promise<Figures> {
  const plan = { target: server.target("fanout"), connections: CONNECTIONS, topics: [TOPIC] };
  return (await connectFigures(server, () => load.readers(plan))).figures;
}
