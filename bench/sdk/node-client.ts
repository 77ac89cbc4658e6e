/**
 * One client in a process of its own: does a task and prints its outcome as a line of JSON.
 *
 *   node --import tsx bench/sdk/node-client.ts <task as JSON> [module of the SDK; written by hand without]
 */
import type * as Sdk from "@ringcast/client";
import { WebSocket } from "ws";
import { handClient, type SocketLike } from "./by-hand.js";
import type { Outcome, Task } from "./task.js";
import { sdkClient } from "./with-sdk.js";

const [taskText = "", modulePath] = process.argv.slice(2);
const task = JSON.parse(taskText) as Task;

const open = (url: string, subprotocol: string): SocketLike =>
  new WebSocket(url, subprotocol, { perMessageDeflate: false }) as unknown as SocketLike;

const client =
  modulePath === undefined ? handClient(open) : sdkClient(((await import(modulePath)) as typeof Sdk).connect);

let beganMs = 0;
let before = process.cpuUsage();
let outcome: Outcome | undefined;
await client(
  task,
  () => {
    before = process.cpuUsage();
    beganMs = performance.now();
  },
  () => {
    const { user, system } = process.cpuUsage(before);
    outcome = { wallMs: performance.now() - beganMs, cpuMs: (user + system) / 1_000 };
  },
);
console.log(JSON.stringify(outcome));
process.exit(0);
