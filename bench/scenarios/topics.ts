/** What a hundred thousand topics cost that nobody uses; more about topics: bench/topics.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Peer, RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import type { HubProcess } from "../support/hub-process.js";
import { RequestPipe } from "../support/request-pipe.js";
import { hubCalled, running, startOver } from "./hub-peers.js";
import { HUB } from "./contenders.js";
import type { Bench, Scenario } from "./scenario.js";
import { steadyMemory } from "./windows.js";

const TOPICS = 100_000;
/** The hub's own ones count, too. */
const ARGS = ["--max-topics", String(2 * TOPICS)];

/** How fast each hub made its topics. */
const made = new WeakMap<RunningPeer, number>();

const hubWithTopics: Peer = { ...hubCalled(HUB), start: startWithTopics };

export const topics: Scenario = {
  name: "topics",
  title: "Many topics",
  about:
    "100,000 topics are made over one WebSocket, each by a subscription that ends at once. Then the hub is closed and opened again; its RssAnon less that of a hub without topics, divided by their number.",
  rows: [
    {
      id: "topics/100000",
      title: "100,000 idle topics",
      unit: "topic",
      figures: ["eachBytes", "perSecond"],
      contenders: [hubWithTopics],
      limit: "the topic's name and its row of the catalogue",
      rounds: 1,
      isFresh: true,
      turn,
    },
  ],
};

async function startWithTopics(): Promise<RunningPeer> {
  const data = mkdtempSync(join(tmpdir(), "ringcast-bench-topics-"));
  const first = await startOver(data, ARGS);
  const perSecond = await makeTopics(first);
  await first.stop();
  const hub = await startOver(data, ARGS);
  const server: RunningPeer = {
    ...running(hub),
    stop: async () => {
      await hub.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
  made.set(server, perSecond);
  return server;
}

async function makeTopics(hub: HubProcess): Promise<number> {
  await using pipe = await RequestPipe.connect(hub.port);
  const beganMs = performance.now();
  for (let n = 0; n < TOPICS; n++) await pipe.send({ op: "subscribe", topic: `idle.${n % 100}.${n}` });
  await pipe.settled();
  return (TOPICS / (performance.now() - beganMs)) * 1_000;
}

async function turn(server: RunningPeer, { step }: Bench): Promise<Figures> {
  step("beside one without topics");
  const empty = await hubCalled(HUB).start();
  try {
    const eachBytes = ((await steadyMemory(server)) - (await steadyMemory(empty))) / TOPICS;
    const perSecond = made.get(server);
    return { eachBytes, ...(perSecond === undefined ? {} : { perSecond }) };
  } finally {
    await empty.stop();
  }
}
