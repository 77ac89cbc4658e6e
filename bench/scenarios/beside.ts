/** A live reader beside replays of the same topic: a part of `replay`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { USUAL_BYTES } from "./contenders.js";
import { hubCalled } from "./hub-peers.js";
import { prepareReplay, REPLAYED } from "./replaying.js";
import type { Bench, Row } from "./scenario.js";
import { figuresOf, latencyFigures, measure } from "./windows.js";

const REPLAYING = join(dirname(fileURLToPath(import.meta.url)), "../readers/replaying.ts");
const RECORDS = 1_000_000;
const REPLAYS = 100;
/** Records a second. */
const RATE = 100;
/** The question is what the hub does, not who gets the processor: who replays comes after hub and live reader. */
const LOW_PRIORITY = 15;
const UNDER_WAY_MS = 1_000;

const DIALECTS: ReadonlyMap<string, string> = new Map([
  ["beside 100 binary replays", "msgpack"],
  ["beside 100 JSON replays", "json"],
]);

/** What is done in it. */
export const BESIDE_ABOUT =
  "The live reader takes 100 records a second at the topic's head, alone and beside 100 readers that replay the million, which have a lower priority (nice 15).";

/** The hub with itself: how much later a live reader gets its records while others replay. */
export const besideRow: Row = {
  id: "replay/live",
  title: "latency of a live reader, alone and beside 100 replays",
  unit: "delivery",
  figures: ["p50Us", "p99Us", "maxUs", "replayedPerSecond"],
  contenders: ["alone", ...DIALECTS.keys()].map((name) => hubCalled(name)),
  limit:
    "replays leave no processor idle; a turn of the loop gives them half a millisecond while there are live readers",
  prepare: (server, bench) => prepareReplay(server, bench, RECORDS),
  turn,
};

async function turn(server: RunningPeer, bench: Bench): Promise<Figures> {
  const { load, peer } = bench;
  const target = server.target("fanout");
  await load.readers({ target, connections: 1, topics: [REPLAYED] });
  await load.writers({ target, connections: 1, topics: [REPLAYED], bytes: USUAL_BYTES, rate: RATE });
  const dialect = DIALECTS.get(peer.name);
  const replays = dialect === undefined ? undefined : startReplays(target.port, dialect);
  try {
    if (replays !== undefined) await pause(UNDER_WAY_MS);
    const measured = await measure(server, bench);
    const replayedPerSecond = await replays?.end();
    return {
      ...figuresOf(measured, "delivered"),
      ...latencyFigures(measured.delivery),
      ...(replayedPerSecond === undefined ? {} : { replayedPerSecond }),
    };
  } finally {
    await replays?.end();
  }
}

interface Replays {
  /** Ends them, if that was not done yet. @returns records a second of all together */
  end(): Promise<number>;
}

/** In a process of its own, which says at its end what it has read. */
function startReplays(port: number, dialect: string): Replays {
  const args = ["--import", "tsx", REPLAYING, String(port), REPLAYED, dialect, String(REPLAYS), String(RECORDS)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(child, "close");
  // It may be through and gone.
  child.stdin.on("error", () => undefined);
  return {
    end: async () => {
      child.stdin.end();
      await closed;
      const { records, seconds } = JSON.parse(output) as { records: number; seconds: number };
      return records / seconds;
    },
  };
}
