/** One client in a page: `runTask` is called by the bench, once for each task. `@ringcast/client` is what the page was bundled with. */
import { connect as connectBinary } from "@ringcast/client";
import { connect as connectJson } from "@ringcast/client/json";
import { handClient, type SocketLike } from "./by-hand.js";
import type { Task } from "./task.js";
import { sdkClient } from "./with-sdk.js";

/** @returns milliseconds that it took */
async function runTask(task: Task, isByHand: boolean): Promise<number> {
  const client = isByHand
    ? handClient((url, subprotocol) => new WebSocket(url, subprotocol) as SocketLike)
    : sdkClient(task.dialect === "binary" ? connectBinary : connectJson);
  let beganMs = 0;
  let wallMs = 0;
  await client(
    task,
    () => (beganMs = performance.now()),
    () => (wallMs = performance.now() - beganMs),
  );
  return wallMs;
}

Object.assign(globalThis, { runTask });
