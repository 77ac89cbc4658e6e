/** Mosquitto, over WebSocket. */
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Peer, RunningPeer } from "./peer.js";
import { answers, freePort, PeerProcess, versionOf } from "./process.js";

const WIRE = new URL("wires/mqtt.ts", import.meta.url).href;

/** Fan-out at QoS 0. */
export const mosquitto: Peer = {
  name: "Mosquitto",
  abilities: ["fanout"],
  notes: [
    "MQTT 3.1.1, QoS 0: stores nothing, acknowledges nothing. Without limits of its queues, since beyond them it drops messages.",
  ],
  version: () => versionOf("mosquitto", "-h", /mosquitto version ([\d.]+)/),
  install: "apt-get install mosquitto",
  start,
};

async function start(): Promise<RunningPeer> {
  const port = await freePort();
  const server = await PeerProcess.start({
    program: "mosquitto",
    args: (directory) => ["-c", writeConfiguration(directory, port)],
    ready: async () => ((await answers(port)) ? true : undefined),
  });
  return {
    pid: server.pid,
    target: () => ({ host: "127.0.0.1", port, wire: WIRE }),
    stop: () => server.stop(),
  };
}

function writeConfiguration(directory: string, port: number): string {
  const path = join(directory, "mosquitto.conf");
  const lines = [
    `listener ${port} 127.0.0.1`,
    "protocol websockets",
    // Mosquitto 2.0.11 ends at once when it listens for WebSocket alone.
    `listener 0 ${join(directory, "mosquitto.sock")}`,
    "allow_anonymous true",
    "persistence false",
    "max_queued_messages 0",
    "max_queued_bytes 0",
    "set_tcp_nodelay true",
    "log_type error",
    // Root's it would change for its own, which may not exist.
    `user ${userInfo().username}`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
