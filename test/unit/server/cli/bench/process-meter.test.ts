import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { findListener } from "../../../../../server/src/cli/bench/local-process.js";
import { ProcessMeter } from "../../../../../server/src/cli/bench/process-meter.js";

test("a process's time and memory are measured over a window", () => {
  const meter = new ProcessMeter([process.pid]);
  meter.begin();
  const before = process.cpuUsage();
  while (process.cpuUsage(before).user < 100_000);
  const { userSeconds, systemSeconds, rssAnonBytes } = meter.end();
  // The scheduler books what a running thread has used at its ticks of up to 10 ms.
  expect(userSeconds + systemSeconds).toBeGreaterThan(0.08);
  expect(rssAnonBytes).toBeGreaterThan(10_000_000);
});

test("a process that is gone can't be measured", () => {
  expect(() => new ProcessMeter([2 ** 22 + 1]).begin()).toThrow("ENOENT");
});

test("whoever listens on a port is found, and nobody where nobody does", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  expect(findListener(port)).toBe(process.pid);
  server.close();
  await once(server, "close");
  expect(findListener(port)).toBeUndefined();
});
