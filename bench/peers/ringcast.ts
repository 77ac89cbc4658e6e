/** The hub itself, as it ships. */
import { readFileSync } from "node:fs";
import { ringcastTarget, type RingcastDialect } from "../../server/src/cli/bench/ringcast.js";
import { HubProcess } from "../support/hub-process.js";
import { CAPACITY_BYTES, type Ability, type Peer, type RunningPeer } from "./peer.js";
import { packageVersion } from "./script.js";

const MANIFEST = new URL("../../server/package.json", import.meta.url);

interface Variant {
  readonly name: string;
  readonly dialect: RingcastDialect;
  readonly transport: "uws" | "ws";
  readonly durability: "stored" | "synced";
}

const VARIANTS: readonly Variant[] = [
  { name: "Ringcast", dialect: "msgpack", transport: "uws", durability: "stored" },
  { name: "Ringcast JSON", dialect: "json", transport: "uws", durability: "stored" },
  { name: "Ringcast on ws", dialect: "msgpack", transport: "ws", durability: "stored" },
  { name: "Ringcast on ws JSON", dialect: "json", transport: "ws", durability: "stored" },
  { name: "Ringcast synced", dialect: "msgpack", transport: "uws", durability: "synced" },
];

/** @param launcher program to run instead of this tree's own build */
export function ringcastPeers(launcher?: string): readonly Peer[] {
  return VARIANTS.map((variant) => ringcast(variant, launcher));
}

function ringcast(variant: Variant, launcher: string | undefined): Peer {
  return {
    name: variant.name,
    abilities: abilitiesOf(variant),
    notes: ["Stores every record before it is delivered; logs in files of a temporary directory."],
    version: () => {
      if (variant.transport === "uws" && packageVersion("uWebSockets.js") === undefined) return undefined;
      return (JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string }).version;
    },
    install: "npm run build (on Node 20 or 22 with glibc for uWebSockets.js)",
    start: () => start(variant, launcher),
  };
}

/** What is measured of each: waiting for the disk means something to publishers only, and a body over HTTP has no dialect. */
function abilitiesOf({ dialect, durability }: Variant): readonly Ability[] {
  if (durability === "synced") return ["ingest"];
  return ["fanout", "ingest", "replay", ...(dialect === "msgpack" ? (["http"] as const) : [])];
}

async function start(variant: Variant, launcher: string | undefined): Promise<RunningPeer> {
  const { dialect, transport, durability } = variant;
  const hub = await HubProcess.start(["--transport", transport, "--log-level", "warn"], { launcher });
  const { pid } = hub.child;
  if (pid === undefined) throw new Error("The hub has no process.");
  return {
    pid,
    target: () => ringcastTarget({ host: "127.0.0.1", port: hub.port, dialect }),
    post: (topic) => ({
      url: `${hub.url}/v1/topics/${topic}/messages`,
      headers: { "content-type": "application/octet-stream" },
    }),
    prepare: async (topics, capacityBytes = CAPACITY_BYTES) => {
      for (const topic of topics) await configure(hub.url, topic, { capacityBytes, durability });
    },
    stop: () => hub.stop(),
  };
}

async function configure(url: string, topic: string, configuration: object): Promise<void> {
  const answer = await fetch(`${url}/v1/topics/${topic}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(configuration),
  });
  if (!answer.ok) throw new Error(`The hub refused topic ${topic}: ${await answer.text()}`);
}
