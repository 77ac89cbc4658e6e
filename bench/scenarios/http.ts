/** Publishes over HTTP. */
import autocannon from "autocannon";
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { timed } from "../support/process-usage.js";
import { HUB, HUB_ON_WS, peersNamed, RAW, USUAL_BYTES } from "./contenders.js";
import type { Bench, Row } from "./scenario.js";
import { addWarmth, warmUpBy } from "./windows.js";

const TOPIC = "bench.http";
const CONNECTIONS = 16;

/** A part of `ingest`. */
export const httpRows: readonly Row[] = [row(1), row(10)];

/** What is done in them. */
export const HTTP_ABOUT =
  `Over HTTP, autocannon posts 128 B on ${CONNECTIONS} connections with 1 and with 10 requests of each under way; the handlers of raw uWebSockets.js, node:http and Fastify read the body ` +
  "and answer 201.";

function row(pipelining: number): Row {
  return {
    id: `ingest/http-${pipelining}`,
    title: `ingest over HTTP, ${pipelining === 1 ? "no pipelining" : `pipelining ${pipelining}`}`,
    unit: "record",
    figures: ["cpuNs", "perSecond", "p50Us", "p99Us"],
    contenders: peersNamed(HUB, HUB_ON_WS, RAW, "node:http", "Fastify"),
    limit: "uWebSockets.js's parsing of requests, its calls into JavaScript for headers and body, and the kernel",
    prepare: async (server) => server.prepare?.([TOPIC]),
    turn: (server, bench) => turn(server, bench, pipelining),
  };
}

async function turn(server: RunningPeer, bench: Bench, pipelining: number): Promise<Figures> {
  await warmUpBy(server, bench, async () => {
    const { cpuSeconds } = await timed(server.pid, async () => {
      await shoot(server, bench.warmUpSeconds, pipelining);
    });
    addWarmth(server, cpuSeconds);
  });
  bench.step("measures");
  const results: autocannon.Result[] = [];
  const before = process.cpuUsage();
  const { cpuSeconds } = await timed(server.pid, async () => {
    results.push(await shoot(server, bench.seconds, pipelining));
  });
  const own = process.cpuUsage(before);
  const [{ "2xx": answered, duration, latency, non2xx, errors }] = results as [autocannon.Result];
  if (answered === 0 || non2xx > 0 || errors > 0) throw new Error(`${non2xx} were refused, ${errors} have failed.`);
  const generatorCores = (own.user + own.system) / 1e6 / duration;
  return {
    cpuNs: (cpuSeconds * 1e9) / answered,
    perSecond: answered / duration,
    p50Us: latency.p50 * 1e3,
    p99Us: latency.p99 * 1e3,
    serverCores: cpuSeconds / duration,
    generatorCores,
    // autocannon has one thread.
    generatorBusy: Math.min(1, generatorCores),
  };
}

function shoot(server: RunningPeer, seconds: number, pipelining: number): Promise<autocannon.Result> {
  const posting = server.post?.(TOPIC);
  if (posting === undefined) throw new Error("It takes no posts.");
  const { url, headers } = posting;
  const body = "x".repeat(USUAL_BYTES);
  return autocannon({ url, method: "POST", headers, body, connections: CONNECTIONS, pipelining, duration: seconds });
}
