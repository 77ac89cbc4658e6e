/** Entry of a thread of the generator. */
import { parentPort, workerData } from "node:worker_threads";
import type { Order, Report, ThreadStart } from "./command.js";
import { Engine } from "./engine.js";
import { readTallies } from "./tally.js";

const { memory, thread } = workerData as ThreadStart;
const report = (message: Report) => parentPort?.postMessage(message);
const engine = new Engine(readTallies(memory), thread, (reason) => report({ type: "failed", reason }));

parentPort?.on("message", ({ id, command }: Order) => {
  engine.do(command).then(
    () => report({ type: "done", id }),
    (error: unknown) => report({ type: "failed", reason: String(error) }),
  );
});
