/** Readers that begin at the start of a long log. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { BESIDE_ABOUT, besideRow } from "./beside.js";
import { HUB, HUB_JSON, HUB_ON_WS, JETSTREAM, peersNamed, REDIS } from "./contenders.js";
import { restartableHub, type RestartableHub } from "./hub-peers.js";
import { prepareReplay, replayAll, replayFigures, replayOnce } from "./replaying.js";
import type { Bench, Row, Scenario } from "./scenario.js";

const RECORDS = 1_000_000;
/** What 100 readers read, so that a turn ends. */
const SHARED_RECORDS = 100_000;
const MANY = 100;

export const replay: Scenario = {
  name: "replay",
  title: "Replay",
  about:
    "Readers that subscribe from the start of a topic with 1,000,000 records of 128 B (100 readers: 100,000), read it to its end, and begin again until the window is over. " +
    "Cold: the hub is started again and the page cache dropped before, which takes root; one replay a turn. " +
    BESIDE_ABOUT,
  rows: [
    row("1", "1 reader, 1 M records", { readers: 1, records: RECORDS }, [HUB, HUB_JSON, HUB_ON_WS, JETSTREAM, REDIS]),
    row("100", "100 readers, 100,000 records", { readers: MANY, records: SHARED_RECORDS }, [
      HUB,
      HUB_JSON,
      JETSTREAM,
      REDIS,
    ]),
    {
      ...row("1-cold", "1 reader, 1 M records, cold cache", { readers: 1, records: RECORDS }, []),
      contenders: [restartableHub(HUB, "msgpack"), restartableHub(HUB_JSON, "json"), ...peersNamed(JETSTREAM)],
      limit: "the storage device",
      turn: replayCold,
    },
    besideRow,
  ],
};

interface Setting {
  readonly readers: number;
  readonly records: number;
}

function row(id: string, what: string, { readers, records }: Setting, names: readonly string[]): Row {
  return {
    id: `replay/${id}`,
    title: `replay, ${what}`,
    unit: "record",
    figures: ["cpuNs", "perSecond"],
    contenders: peersNamed(...names),
    limit: "copying the log into the socket; in JSON, translating each record",
    prepare: (server, bench) => prepareReplay(server, bench, records),
    turn: (server, bench) => replayAll(server, bench, readers),
  };
}

async function replayCold(server: RunningPeer, bench: Bench): Promise<Figures> {
  // Pages that a process has mapped stay in the cache; JetStream maps none.
  if (isRestartable(server)) await server.restart(dropCaches);
  else dropCaches();
  return replayFigures([await replayOnce(server, bench, 1)]);
}

function isRestartable(server: RunningPeer): server is RestartableHub {
  return "restart" in server;
}

/** @throws Error for who isn't root */
function dropCaches(): void {
  if (process.getuid?.() !== 0) throw new Error("Dropping the page cache takes root.");
  // Only pages that are on the device can go.
  execFileSync("sync");
  writeFileSync("/proc/sys/vm/drop_caches", "1");
}
