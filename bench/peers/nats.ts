/** NATS, with and without JetStream. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NatsOptions } from "./wires/nats.js";
import { newStream } from "./wires/jetstream.js";
import { CAPACITY_BYTES, type Peer, type RunningPeer } from "./peer.js";
import { requestNats } from "./nats-request.js";
import { PeerProcess, versionOf } from "./process.js";

const WIRE = new URL("wires/nats.ts", import.meta.url).href;
const PROGRAM = "nats-server";

interface Ports {
  readonly tcp: number;
  readonly websocket: number;
}

/** Core NATS: nothing is stored. */
export const nats: Peer = {
  ...natsPeer("NATS", { hasJetStream: false }),
  abilities: ["fanout", "echo"],
  notes: [
    "Stores nothing: who isn't there misses it, and a subscriber that is too slow is cut.",
    "Fan-out over WebSocket without compression; acknowledgements are its +OK (verbose) over TCP.",
  ],
};

/** JetStream with file storage. */
export const jetStream: Peer = {
  ...natsPeer("NATS JetStream", { hasJetStream: true }),
  abilities: ["ingest", "replay"],
  notes: [
    "File storage, one replica, a stream for each topic; written without fsync (it syncs every two minutes), like `stored` of the hub.",
    "Over TCP. A batch is so many publishes with a PubAck for each, all under way at once: it has no publish of several.",
    "Replayed by an ordered push consumer (no acknowledgements, flow control).",
  ],
};

function natsPeer(name: string, options: { hasJetStream: boolean }): Omit<Peer, "abilities" | "notes"> {
  return {
    name,
    version: () => versionOf(PROGRAM, "--version", /v([\d.]+)/),
    install: "apt-get install nats-server",
    start: () => start(options),
  };
}

async function start({ hasJetStream }: { hasJetStream: boolean }): Promise<RunningPeer> {
  const server = await PeerProcess.start<Ports>({
    program: PROGRAM,
    args: (directory) => ["--config", writeConfiguration(directory, hasJetStream), "--ports_file_dir", directory],
    ready: ({ directory, pid }) => portsIn(join(directory, `${PROGRAM}_${pid}.ports`)),
  });
  const { tcp, websocket } = server.ready;
  return {
    pid: server.pid,
    target: (ability) => {
      const framing = ability === "fanout" ? "websocket" : "stream";
      return {
        host: "127.0.0.1",
        port: framing === "websocket" ? websocket : tcp,
        wire: WIRE,
        wireOptions: { ability, framing } satisfies NatsOptions,
      };
    },
    prepare: async (topics, capacityBytes = CAPACITY_BYTES) => {
      if (!hasJetStream) return;
      await requestNats(
        tcp,
        topics.map((topic) => newStream(topic, capacityBytes)),
      );
    },
    stop: () => server.stop(),
  };
}

/** Ports of -1 are free ones; which, it writes into a file as soon as it listens. */
function writeConfiguration(directory: string, hasJetStream: boolean): string {
  const path = join(directory, "nats.conf");
  const jetStream = `jetstream { store_dir: "${directory}", max_mem: 1GB, max_file: 64GB }`;
  const lines = [
    "host: 127.0.0.1",
    "port: -1",
    "max_payload: 8MB",
    "max_connections: 64K",
    "websocket { host: 127.0.0.1, port: -1, no_tls: true, compression: false }",
    ...(hasJetStream ? [jetStream] : []),
  ];
  writeFileSync(path, lines.join("\n"));
  return path;
}

function portsIn(path: string): Ports | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  // It may not be written to its end yet.
  if (!text.trimEnd().endsWith("}")) return undefined;
  const { nats: tcp, websocket } = JSON.parse(text) as { nats: string[]; websocket: string[] };
  return { tcp: portOf(tcp), websocket: portOf(websocket) };
}

function portOf([url = ""]: readonly string[]): number {
  return Number(/:(\d+)$/.exec(url)?.[1]);
}
