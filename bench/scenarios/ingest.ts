/** Publishes that are acknowledged, and nobody who reads. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { HUB, HUB_JSON, HUB_ON_WS, JETSTREAM, peersNamed, RAW, REDIS, USUAL_BYTES } from "./contenders.js";
import { HTTP_ABOUT, httpRows } from "./http.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, latencyFigures, measure } from "./windows.js";

const TOPIC = "bench.ingest";
const EVERYSEC = "Redis AOF everysec";
const ALWAYS = "Redis AOF always";
const SYNCED = "Ringcast synced";
const UNDER_WAY = 256;
const BATCHES_UNDER_WAY = 16;

interface Setting {
  readonly connections: number;
  /** Publishes of a connection that are not acknowledged yet. */
  readonly inflight: number;
  readonly batch?: number;
}

const PIPELINED: Setting = { connections: 1, inflight: UNDER_WAY };
const SINGLE: Setting = { connections: 1, inflight: 1 };

export const ingest: Scenario = {
  name: "ingest",
  title: "Acknowledged publishes",
  about:
    `Records of 128 B to one topic that nobody reads; counted when they are acknowledged. Pipelined: ${UNDER_WAY} publishes of a connection under way, of batches ${BATCHES_UNDER_WAY}. ` +
    "Raw uWebSockets.js and what is called an echo answer each publish and store nothing; Redis stores in a stream (XADD), NATS JetStream in files. " +
    HTTP_ABOUT,
  rows: [
    row("single", "one at a time", SINGLE, [HUB, HUB_JSON, HUB_ON_WS, RAW, JETSTREAM, REDIS, EVERYSEC]),
    row("pipelined", "pipelined", PIPELINED, [HUB, HUB_JSON, HUB_ON_WS, RAW, JETSTREAM, REDIS, EVERYSEC]),
    row("batches", "batches of 100", { connections: 1, inflight: BATCHES_UNDER_WAY, batch: 100 }, [
      HUB,
      HUB_JSON,
      RAW,
      JETSTREAM,
      REDIS,
    ]),
    row("16", "16 connections, one at a time each", { connections: 16, inflight: 1 }, [
      HUB,
      HUB_JSON,
      RAW,
      JETSTREAM,
      REDIS,
    ]),
    row("16-pipelined", "16 connections, pipelined", { connections: 16, inflight: 64 }, [
      HUB,
      HUB_JSON,
      RAW,
      JETSTREAM,
      REDIS,
    ]),
    synced("synced-single", "`synced`, one at a time", SINGLE),
    synced("synced-pipelined", "`synced`, pipelined", PIPELINED),
    ...httpRows,
  ],
};

function row(id: string, what: string, setting: Setting, names: readonly string[]): Row {
  return {
    id: `ingest/${id}`,
    title: `ingest, ${what}`,
    unit: "record",
    figures: ["cpuNs", "perSecond", "p50Us", "p99Us"],
    contenders: peersNamed(...names),
    limit:
      setting.inflight === 1
        ? "a read from and a write to the kernel for each record"
        : "understanding the request, storing the record with its checks, and making the answer",
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, setting),
  };
}

function synced(id: string, what: string, setting: Setting): Row {
  return {
    ...row(id, what, setting, [SYNCED, ALWAYS]),
    figures: ["perSecond", "cpuNs", "p50Us", "p99Us"],
    limit: "the storage device: one sync for all that is waiting",
  };
}

async function turn(server: RunningPeer, bench: Bench, setting: Setting): Promise<Figures> {
  const ability = bench.peer.abilities.includes("ingest") ? "ingest" : "echo";
  await bench.load.writers({ target: server.target(ability), topics: [TOPIC], bytes: USUAL_BYTES, ...setting });
  const measured = await measure(server, bench);
  return { ...figuresOf(measured, "acknowledged"), ...latencyFigures(measured.acknowledgement) };
}
