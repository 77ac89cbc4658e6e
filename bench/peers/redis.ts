/** Redis: pub/sub and streams, with and without its append-only file. */
import type { Ability, Peer, RunningPeer } from "./peer.js";
import { answers, freePort, PeerProcess, versionOf } from "./process.js";
import type { StreamsOptions } from "./wires/redis-streams.js";

const PUB_SUB = new URL("wires/redis-pubsub.ts", import.meta.url).href;
const STREAMS = new URL("wires/redis-streams.ts", import.meta.url).href;

/** A million that are to be replayed, and some more. */
const KEEP = 1_100_000;
const XREAD_COUNT = 1_000;

const STREAM_NOTES = [
  `Over TCP. Streams are kept at about ${KEEP.toLocaleString("en")} records; a batch is so many XADD in one write. Replayed by XREAD COUNT ${XREAD_COUNT}.`,
];

/** Nothing on disk; fan-out over pub/sub. */
export const redis: Peer = redisPeer("Redis", {
  abilities: ["fanout", "echo", "ingest", "replay"],
  flags: ["--appendonly", "no"],
  notes: [
    "Has no WebSocket: fan-out is its pub/sub over TCP, which stores nothing; up to 256 MiB wait for a subscriber, then it is cut.",
    "Streams in memory only: the death of the process loses them.",
  ],
});

/** The file is synced every second: what `stored` of the hub is nearest to. */
export const redisEverySecond: Peer = redisPeer("Redis AOF everysec", {
  abilities: ["ingest", "replay"],
  flags: ["--appendonly", "yes", "--appendfsync", "everysec"],
  notes: ["The death of the machine loses about a second."],
});

/** The file is synced before the answer: what `synced` of the hub is. */
export const redisAlways: Peer = redisPeer("Redis AOF always", {
  abilities: ["ingest"],
  flags: ["--appendonly", "yes", "--appendfsync", "always"],
  notes: [],
});

interface Variant {
  readonly abilities: readonly Ability[];
  readonly flags: readonly string[];
  readonly notes: readonly string[];
}

function redisPeer(name: string, { abilities, flags, notes }: Variant): Peer {
  return {
    name,
    abilities,
    notes: [...notes, ...STREAM_NOTES],
    version: () => versionOf("redis-server", "--version", /v=([\d.]+)/),
    install: "apt-get install redis-server",
    start: () => start(flags),
  };
}

async function start(flags: readonly string[]): Promise<RunningPeer> {
  const port = await freePort();
  const server = await PeerProcess.start({
    program: "redis-server",
    args: (directory) => [...settings(port, directory), ...flags],
    ready: async () => ((await answers(port, "PING\r\n")) ? true : undefined),
  });
  return {
    pid: server.pid,
    target: (ability) => {
      const isPubSub = ability === "fanout" || ability === "echo";
      const streams: StreamsOptions = { keep: KEEP, count: XREAD_COUNT };
      return {
        host: "127.0.0.1",
        port,
        ...(isPubSub ? { wire: PUB_SUB } : { wire: STREAMS, wireOptions: streams }),
      };
    },
    stop: () => server.stop(),
  };
}

/** Without snapshots and rewrites of the file, which would fork in the middle of a measurement. */
function settings(port: number, directory: string): readonly string[] {
  return [
    ["--bind", "127.0.0.1"],
    // Clients come from all of 127.0.0.0/8, of which it would trust the first alone.
    ["--protected-mode", "no"],
    ["--port", String(port)],
    ["--dir", directory],
    ["--save", ""],
    ["--auto-aof-rewrite-percentage", "0"],
    ["--tcp-backlog", "4096"],
    ["--maxclients", "18000"],
    ["--client-output-buffer-limit", "pubsub 256mb 64mb 60"],
  ].flat();
}
