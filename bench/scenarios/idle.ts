/** What connections and subscriptions cost that do nothing. */
import { setTimeout as pause } from "node:timers/promises";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { openFilesLimit } from "../support/open-files.js";
import { timed } from "../support/process-usage.js";
import { HUB, HUB_JSON, HUB_ON_WS, NATS, peersNamed, RAW } from "./contenders.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { connectFigures, steadyMemory } from "./windows.js";

const TOPIC = "bench.idle";
const USUAL = 10_000;
/** Files that server and generator have open besides. */
const OTHER_FILES = 2_000;
/** They come and go before, so that code is warm and memory for the first ones is there. */
const WARM_UP = 1_000;
const GONE_MS = 500;
const SUBSCRIBERS = 1_000;
const SUBSCRIPTIONS = 100;
const TOPICS = Array.from({ length: 1_000 }, (_, n) => `bench.idle.${n}`);
const SMALL_CAPACITY_BYTES = 64 * 1024;

const most = Math.max(USUAL, openFilesLimit() - OTHER_FILES);

export const idle: Scenario = {
  name: "idle",
  title: "Idle connections",
  about:
    "Connections with one subscription to the same topic, all of them silent. RssAnon, the private memory that no file backs, before and after, divided by their number; 1,000 have come and gone before. " +
    `The larger number is what the limit of open files leaves (${openFilesLimit()} here). Subscriptions: ${SUBSCRIPTIONS} on each of 1,000 connections, against one on each.`,
  rows: [
    connections(USUAL, [HUB, HUB_JSON, HUB_ON_WS, RAW, "Mosquitto", "ws", NATS, "Socket.IO"]),
    ...(most > USUAL ? [connections(most, [HUB, RAW, NATS])] : []),
    subscriptions(),
  ],
};

function connections(count: number, names: readonly string[]): Row {
  return {
    id: `idle/${count}`,
    title: `${count.toLocaleString("en-GB")} idle connections with one subscription`,
    unit: "connection",
    figures: ["connectionBytes", "perSecond", "cpuNs", "baseBytes"],
    contenders: peersNamed(...names),
    limit: "uWebSockets.js's own socket, and the objects of connection, session and reader",
    isFresh: true,
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => connectIdle(server, bench, count),
  };
}

/** So many connect, and do nothing. */
export async function connectIdle(server: RunningPeer, bench: Bench, count: number): Promise<Figures> {
  const { load, step } = bench;
  const target = server.target("fanout");
  const baseBytes = await steadyMemory(server);
  step("warms up");
  await load.readers({ target, connections: WARM_UP, topics: [TOPIC] });
  await load.endAll();
  await pause(GONE_MS);
  const before = await steadyMemory(server);
  step(`${count} connect`);
  const { figures } = await connectFigures(server, () => load.readers({ target, connections: count, topics: [TOPIC] }));
  const after = await steadyMemory(server);
  return {
    ...figures,
    connectionBytes: (after - before) / count,
    baseBytes,
    rssBytes: after,
  };
}

function subscriptions(): Row {
  return {
    id: "idle/subscriptions",
    title: `${SUBSCRIPTIONS} idle subscriptions on each of 1,000 connections`,
    unit: "subscription",
    figures: ["eachBytes", "perSecond", "cpuNs"],
    contenders: peersNamed(HUB, HUB_ON_WS, RAW, NATS),
    isFresh: true,
    prepare: async (server) => server.prepare?.(TOPICS, SMALL_CAPACITY_BYTES),
    turn: subscribe,
  };
}

/** Against as many connections with one subscription each. */
async function subscribe(server: RunningPeer, bench: Bench): Promise<Figures> {
  const { load, step } = bench;
  const target = server.target("fanout");
  step("one on each");
  await load.readers({ target, connections: SUBSCRIBERS, topics: TOPICS });
  const before = await steadyMemory(server);
  step(`${SUBSCRIPTIONS} more on each of others`);
  await load.readers({ target, connections: SUBSCRIBERS, topics: TOPICS });
  const between = await steadyMemory(server);
  const { seconds, cpuSeconds } = await timed(server.pid, async () => {
    await load.readers({ target, connections: SUBSCRIBERS, topics: TOPICS, perConnection: 1 + SUBSCRIPTIONS });
  });
  const after = await steadyMemory(server);
  const count = SUBSCRIBERS * SUBSCRIPTIONS;
  return {
    eachBytes: (after - between - (between - before)) / count,
    perSecond: count / seconds,
    cpuNs: (cpuSeconds * 1e9) / count,
  };
}
