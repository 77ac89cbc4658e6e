/**
 * What the load generator itself can do: how many records a second it reads from a server that does nothing else than
 * write ready-made frames, and what so many held connections take.
 *
 * `node --import tsx bench/generator.ts [--seconds 3] [--connections 18000] [--threads 1]`
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { LoadGenerator } from "../server/src/cli/bench/generator.js";
import { rssAnonOf } from "../server/src/cli/bench/process-meter.js";
import { ringcastTarget } from "../server/src/cli/bench/ringcast.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "18000" },
    threads: { type: "string", default: "1" },
  },
});
const COUNT = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const threads = Number(values.threads);

for (const readers of [1, 10, 100, 1_000]) {
  await measureReading(readers, { isExact: false });
  await measureReading(readers, { isExact: true });
}
await hold(Number(values.connections));

/** @param isExact each record's time is read, as it is when there is a rate; otherwise heads of frames are */
async function measureReading(connections: number, { isExact }: { readonly isExact: boolean }): Promise<void> {
  const sender = await startSender();
  await using generator = await LoadGenerator.start({ threads });
  await generator.readers({ target: sender.target, connections, topics: ["bench.raw"] });
  // A writer with a schedule makes the generator look at every record; what it sends once in a second is left alone.
  const writing = { target: sender.target, connections: 1, topics: ["bench.raw"], bytes: 128, rate: 1 };
  if (isExact) await generator.writers(writing);
  sender.child.send("begin");
  const measured = await generator.run({ warmupMs: 500, ms: Number(values.seconds) * 1000, pids: [sender.child.pid] });
  const { delivered, seconds, generatorCpuSeconds, generatorBusy, server } = measured;
  const senderCpu = (server?.userSeconds ?? 0) + (server?.systemSeconds ?? 0);
  console.log(
    `${connections} connections, ${isExact ? "every record's time" : "heads of frames"}: ` +
      `${COUNT.format(delivered / seconds)} records/s, ` +
      `${COUNT.format((generatorCpuSeconds * 1e9) / delivered)} ns of CPU each ` +
      `(${COUNT.format(delivered / generatorCpuSeconds)} records for each of its CPU seconds), ` +
      `busy ${(generatorBusy * 100).toFixed(0)} %; sender used ${COUNT.format((senderCpu * 1e9) / delivered)} ns each`,
  );
  sender.child.kill();
}

async function hold(connections: number): Promise<void> {
  const sender = await startSender();
  await using generator = await LoadGenerator.start({ threads });
  const before = rssAnonOf(process.pid);
  const cpu = process.cpuUsage();
  const { seconds } = await generator.readers({ target: sender.target, connections, topics: ["bench.raw"] });
  const bytes = (rssAnonOf(process.pid) - before) / connections;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${COUNT.format(connections)} connections held: ${generator.totals().connected} are there, ` +
      `dialled and subscribed in ${seconds.toFixed(1)} s (${COUNT.format(connections / seconds)} a second), ` +
      `${COUNT.format(bytes)} bytes of memory and ` +
      `${COUNT.format((user + system) / connections)} µs of CPU each`,
  );
  await generator.endAll();
  sender.child.kill();
}

async function startSender(): Promise<{
  child: ChildProcess & { pid: number };
  target: ReturnType<typeof ringcastTarget>;
}> {
  const child = fork(new URL("./support/raw-sender.ts", import.meta.url));
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    child: child as ChildProcess & { pid: number },
    target: ringcastTarget({ host: "127.0.0.1", port, dialect: "msgpack" }),
  };
}
