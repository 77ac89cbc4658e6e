/** Hubs that only one scenario asks for: over TLS, or with topics that are there before. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ringcastTarget, type RingcastDialect } from "../../server/src/cli/bench/ringcast.js";
import { makeCertificate, writeCertificate } from "../../test/support/certificate.js";
import { CAPACITY_BYTES, type Peer, type RunningPeer } from "../peers/peer.js";
import { HubProcess } from "../support/hub-process.js";
import { HUB, peersNamed } from "./contenders.js";

/** The hub under another name, to be compared with itself: what differs is up to the row. */
export function hubCalled(name: string, from = HUB): Peer {
  return { ...peersNamed(from)[0]!, name };
}

/** The hub with a certificate of its own. */
export const hubOverTls: Peer = { ...hubCalled("Ringcast over TLS"), start: startOverTls };

async function startOverTls(): Promise<RunningPeer> {
  const directory = mkdtempSync(join(tmpdir(), "ringcast-bench-tls-"));
  const { certFile, keyFile } = writeCertificate(directory, await makeCertificate("bench"));
  const hub = await HubProcess.start(["--tls-cert", certFile, "--tls-key", keyFile, "--log-level", "warn"]);
  return {
    ...running(hub),
    target: () => ringcastTarget({ host: "127.0.0.1", port: hub.port, tls: true, verify: false, dialect: "msgpack" }),
    stop: async () => {
      await hub.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A hub over a directory that is kept: what was made in it by an earlier one is there. */
export async function startOver(data: string, args: readonly string[]): Promise<HubProcess> {
  return HubProcess.start([...args, "--log-level", "warn"], { data });
}

/** What rows see of a hub. */
export function running(hub: HubProcess, dialect: RingcastDialect = "msgpack"): RunningPeer {
  return {
    pid: hub.child.pid!,
    target: () => ringcastTarget({ host: "127.0.0.1", port: hub.port, dialect }),
    stop: () => hub.stop(),
  };
}

/** A hub that can be ended and started again with what it has stored. */
export interface RestartableHub extends RunningPeer {
  /** @param between is called while there is none */
  restart(between: () => void): Promise<void>;
}

/** The hub in one dialect, as a {@link RestartableHub}. */
export function restartableHub(from: string, dialect: RingcastDialect): Peer {
  return { ...hubCalled(from, from), start: () => startRestartable(dialect) };
}

async function startRestartable(dialect: RingcastDialect): Promise<RestartableHub> {
  const data = mkdtempSync(join(tmpdir(), "ringcast-bench-restarted-"));
  let hub = await startOver(data, []);
  return {
    get pid() {
      return running(hub).pid;
    },
    target: (ability) => running(hub, dialect).target(ability),
    prepare: async (topics, capacityBytes = CAPACITY_BYTES) => {
      for (const topic of topics) await setCapacity(hub, topic, capacityBytes);
    },
    restart: async (between) => {
      await hub.stop();
      between();
      hub = await startOver(data, []);
    },
    stop: async () => {
      await hub.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function setCapacity({ url }: HubProcess, topic: string, capacityBytes: number): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/topics/${topic}`, {
    method: "PUT",
    headers,
    body: JSON.stringify({ capacityBytes }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}
