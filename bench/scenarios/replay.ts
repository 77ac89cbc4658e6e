/** Readers that begin at the start of a long log. */
import { writeFileSync } from "node:fs";
import { isRoot } from "../support/system.js";
import { HUB, HUB_JSON, HUB_ON_WS, JETSTREAM, peersNamed, REDIS } from "./contenders.js";
import { prepareReplay, replayAll } from "./replaying.js";
import type { Row, Scenario } from "./scenario.js";

const RECORDS = 1_000_000;
/** What 100 readers read, so that a turn ends. */
const SHARED_RECORDS = 100_000;
const MANY = 100;

export const replay: Scenario = {
  name: "replay",
  title: "Replay",
  about:
    "Readers that subscribe from the start of a topic with 1,000,000 records of 128 B (100 readers: 100,000), read it to its end, and begin again until the window is over. " +
    "Cold: the page cache is dropped before, which takes root.",
  rows: [
    row("1", "1 reader, 1 M records", { readers: 1, records: RECORDS }, [HUB, HUB_JSON, HUB_ON_WS, JETSTREAM, REDIS]),
    row("100", "100 readers, 100,000 records", { readers: MANY, records: SHARED_RECORDS }, [
      HUB,
      HUB_JSON,
      JETSTREAM,
      REDIS,
    ]),
    ...(isRoot()
      ? [
          row("1-cold", "1 reader, 1 M records, cold cache", { readers: 1, records: RECORDS, isCold: true }, [
            HUB,
            HUB_JSON,
            JETSTREAM,
          ]),
        ]
      : []),
  ],
};

interface Setting {
  readonly readers: number;
  readonly records: number;
  readonly isCold?: boolean;
}

function row(id: string, what: string, setting: Setting, names: readonly string[]): Row {
  return {
    id: `replay/${id}`,
    title: `replay, ${what}`,
    unit: "record",
    figures: ["cpuNs", "perSecond"],
    contenders: peersNamed(...names),
    limit:
      setting.isCold === true
        ? "the storage device"
        : "copying the log into the socket; in JSON, translating each record",
    prepare: (server, bench) => prepareReplay(server, bench, setting.records),
    turn: (server, bench) =>
      replayAll(server, bench, { readers: setting.readers, before: setting.isCold === true ? dropCaches : undefined }),
  };
}

/** Clean pages only: what is not on the device yet stays, and mapped pages do. */
function dropCaches(): void {
  writeFileSync("/proc/sys/vm/drop_caches", "1");
}
