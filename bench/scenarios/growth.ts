/** Whether the cost of one stays the same when there are four and sixteen times as many. */
import type { RunningPeer } from "../peers/peer.js";
import type { FigureName, Figures } from "../report/figures.js";
import { timed } from "../support/process-usage.js";
import { USUAL_BYTES } from "./contenders.js";
import { hubCalled } from "./hub-peers.js";
import { connectIdle } from "./idle.js";
import { prepareReplay, replayAll } from "./replaying.js";
import type { Bench, Row, Scenario } from "./scenario.js";
import { figuresOf, measure, until } from "./windows.js";

const TOPIC = "bench.growth";
const AHEAD = 1_000;
const AHEAD_EACH = 4;
const UNDER_WAY = 256;
const CAPACITY_BYTES = 1024 * 1024;
const CONNECTIONS = 64;
const NUMBER = new Intl.NumberFormat("en-GB");

/** What grows: the smallest size, a hub for each of 1×, 4× and 16×, and what is done with it. */
interface Growing {
  readonly id: string;
  readonly of: string;
  readonly smallest: number;
  readonly unit: string;
  readonly figures: readonly FigureName[];
  readonly isFresh?: boolean;
  prepare?(server: RunningPeer, bench: Bench, size: number): Promise<void>;
  turn(server: RunningPeer, bench: Bench, size: number): Promise<Figures>;
}

export const growth: Scenario = {
  name: "growth",
  title: "Growth",
  about: "The hub at 1×, 4× and 16× of something, in turns: what each unit costs should not grow with it.",
  rows: [
    row({
      id: "topics",
      of: "topics, one subscriber each on 64 connections",
      smallest: 64,
      unit: "delivery",
      figures: ["cpuNs", "perSecond"],
      prepare: async (server, _, size) => server.prepare?.(topicNames(size), CAPACITY_BYTES),
      turn: deliverTopics,
    }),
    row({
      id: "subscribers",
      of: "subscribers of one topic",
      smallest: 64,
      unit: "delivery",
      figures: ["cpuNs", "perSecond"],
      prepare: async (server) => server.prepare?.([TOPIC]),
      turn: (server, bench, size) => deliver(server, bench, { subscribers: size, bytes: USUAL_BYTES }),
    }),
    row({
      id: "bytes",
      of: "bytes a record, 64 subscribers",
      smallest: 1_024,
      unit: "KiB",
      figures: ["cpuNs", "perSecond"],
      prepare: async (server) => server.prepare?.([TOPIC]),
      turn: deliverKib,
    }),
    row({
      id: "log",
      of: "records in the log, all replayed",
      smallest: 62_500,
      unit: "record",
      figures: ["cpuNs", "perSecond"],
      prepare: prepareReplay,
      turn: (server, bench) => replayAll(server, bench, 1),
    }),
    row({
      id: "ingest-topics",
      of: "topics that are published to, pipelined",
      smallest: 64,
      unit: "record",
      figures: ["cpuNs", "perSecond"],
      prepare: async (server, _, size) => server.prepare?.(topicNames(size), CAPACITY_BYTES),
      turn: publishTopics,
    }),
    row({
      id: "connections",
      of: "idle connections",
      smallest: 625,
      unit: "connection",
      figures: ["connectionBytes", "perSecond", "cpuNs"],
      isFresh: true,
      turn: connectIdle,
    }),
    row({
      id: "storm",
      of: "subscribers cut at once and resumed",
      smallest: 312,
      unit: "subscriber",
      figures: ["cpuNs", "wallMs"],
      prepare: async (server) => server.prepare?.([TOPIC]),
      turn: cut,
    }),
  ],
};

function row(growing: Growing): Row {
  const { id, of, smallest, unit, figures, isFresh } = growing;
  const sizes = new Map([1, 4, 16].map((factor) => [NUMBER.format(factor * smallest), factor * smallest]));
  const sizeOf = ({ peer }: Bench): number => sizes.get(peer.name) ?? smallest;
  return {
    id: `growth/${id}`,
    title: `growth with ${of}`,
    unit,
    figures,
    contenders: [...sizes.keys()].map((name) => hubCalled(name)),
    ...(isFresh === undefined ? {} : { isFresh }),
    prepare: async (server, bench) => growing.prepare?.(server, bench, sizeOf(bench)),
    turn: (server, bench) => growing.turn(server, bench, sizeOf(bench)),
  };
}

function topicNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${TOPIC}.${n}`);
}

async function deliverTopics(server: RunningPeer, bench: Bench, size: number): Promise<Figures> {
  const { load } = bench;
  const names = topicNames(size);
  const target = server.target("fanout");
  const { delivered } = load.totals();
  await load.readers({ target, connections: CONNECTIONS, topics: names, perConnection: size / CONNECTIONS });
  // As many records of each topic under way, whatever their number is.
  await load.writers({ target, connections: 1, topics: names, bytes: USUAL_BYTES, ahead: AHEAD_EACH * size });
  await until(() => load.totals().delivered - delivered >= size, "each topic's first record");
  return figuresOf(await measure(server, bench), "delivered");
}

interface Delivering {
  readonly subscribers: number;
  readonly bytes: number;
}

async function deliver(server: RunningPeer, bench: Bench, { subscribers, bytes }: Delivering): Promise<Figures> {
  const target = server.target("fanout");
  await bench.load.readers({ target, connections: subscribers, topics: [TOPIC] });
  // As many bytes under way, whatever their number is.
  const ahead = Math.max(1, Math.floor((AHEAD * USUAL_BYTES) / bytes));
  await bench.load.writers({ target, connections: 1, topics: [TOPIC], bytes, ahead });
  return figuresOf(await measure(server, bench), "delivered");
}

async function deliverKib(server: RunningPeer, bench: Bench, size: number): Promise<Figures> {
  const figures = await deliver(server, bench, { subscribers: CONNECTIONS, bytes: size });
  const kib = size / 1_024;
  return { ...figures, cpuNs: (figures.cpuNs ?? 0) / kib, perSecond: (figures.perSecond ?? 0) * kib };
}

async function publishTopics(server: RunningPeer, bench: Bench, size: number): Promise<Figures> {
  const { load } = bench;
  const target = server.target("ingest");
  const { acknowledged } = load.totals();
  await load.writers({ target, connections: 1, topics: topicNames(size), bytes: USUAL_BYTES, inflight: UNDER_WAY });
  await until(() => load.totals().acknowledged - acknowledged >= size, "each topic's first record");
  return figuresOf(await measure(server, bench), "acknowledged");
}

async function cut(server: RunningPeer, { load }: Bench, size: number): Promise<Figures> {
  await load.readers({ target: server.target("fanout"), connections: size, topics: [TOPIC] });
  const { seconds, cpuSeconds } = await timed(server.pid, async () => {
    await load.cut();
  });
  return { cpuNs: (cpuSeconds * 1e9) / size, wallMs: seconds * 1_000 };
}
