/**
 * How many publishes a second does the hub take over HTTP? autocannon posts messages of `--bytes`; what it was told is compared with what the topic
 * holds afterwards, and the hub's processor time is divided by the records stored.
 *
 *   node --import tsx bench/http-ingest.ts [--connections 16] [--pipelining 10] [--seconds 5] [--bytes 128] [--transport auto|uws|ws] [--json]
 */
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "16" },
    pipelining: { type: "string", default: "10" },
    seconds: { type: "string", default: "5" },
    bytes: { type: "string", default: "128" },
    transport: { type: "string", default: "auto" },
    json: { type: "boolean", default: false },
  },
});
const TOPIC = "bench.http";

const hub = await HubProcess.start(["--transport", values.transport]);
try {
  await load(1);
  const before = await headOf();
  const cpu = hub.cpuMs();
  const result = await load(Number(values.seconds));
  const cpuMs = hub.cpuMs() - cpu;
  const stored = (await headOf()) - before;
  report(result, stored, cpuMs);
  if (result.non2xx > 0 || stored < result["2xx"]) process.exitCode = 1;
} finally {
  await hub.stop();
}

function load(seconds: number): Promise<autocannon.Result> {
  return autocannon({
    url: `${hub.url}/v1/topics/${TOPIC}/messages`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ data: "x".repeat(Number(values.bytes)) }),
    connections: Number(values.connections),
    pipelining: Number(values.pipelining),
    duration: seconds,
  });
}

async function headOf(): Promise<number> {
  const topic = (await (await fetch(`${hub.url}/v1/topics/${TOPIC}`)).json()) as { partitions: { head: number }[] };
  return topic.partitions[0]?.head ?? 0;
}

function report(result: autocannon.Result, stored: number, cpuMs: number): void {
  const summary = {
    connections: Number(values.connections),
    pipelining: Number(values.pipelining),
    bytes: Number(values.bytes),
    acknowledgedPerSecond: Math.round(result["2xx"] / result.duration),
    stored,
    refused: result.non2xx,
    hubCpuMicrosecondsPerRecord: Number(((cpuMs * 1000) / stored).toFixed(2)),
    latencyMs: { p50: result.latency.p50, p99: result.latency.p99, max: result.latency.max },
  };
  if (values.json) {
    console.log(JSON.stringify(summary));
    return;
  }
  console.log(`${values.connections} connections, pipelining ${values.pipelining}, ${values.bytes} B`);
  console.log(`  acknowledged publishes    ${summary.acknowledgedPerSecond} a second, ${summary.refused} refused`);
  console.log(`  hub CPU per record        ${summary.hubCpuMicrosecondsPerRecord} µs`);
  console.log(`  latency p50, p99, max     ${result.latency.p50}, ${result.latency.p99}, ${result.latency.max} ms`);
}
