/** A hub that can be asked to collect its garbage, so that what it then holds is what it keeps. */
import WebSocket from "ws";
import { rssAnonBytes } from "./footprint.js";
import { startHub, type HubOptions, type TestHub } from "./hub.js";
import { until, within } from "./until.js";

export interface InspectedHub extends TestHub {
  /** Private memory after everything that nobody refers to has gone. */
  keptBytes(): Promise<number>;
}

/** What is freed goes back to the system over some collections. */
const COLLECTIONS = 3;

export async function startInspectedHub(options: HubOptions): Promise<InspectedHub> {
  const hub = await startHub({ ...options, env: { ...options.env, NODE_OPTIONS: "--inspect=127.0.0.1:0" } });
  const address = /Debugger listening on (ws:\/\/\S+)/;
  await until("the inspector listens", () => address.test(hub.output().stderr));
  const inspector = new WebSocket(address.exec(hub.output().stderr)?.[1] ?? "");
  await within("the inspector", new Promise((resolve) => inspector.once("open", resolve)));
  let calls = 0;
  const collect = async (): Promise<void> => {
    const id = ++calls;
    const done = new Promise<void>((resolve) => {
      const answered = (data: Buffer): void => {
        if ((JSON.parse(data.toString()) as { id?: number }).id !== id) return;
        inspector.off("message", answered);
        resolve();
      };
      inspector.on("message", answered);
    });
    inspector.send(JSON.stringify({ id, method: "HeapProfiler.collectGarbage" }));
    await within("a collection", done);
  };
  return Object.assign(Object.create(hub) as TestHub, {
    keptBytes: async () => {
      for (let count = 0; count < COLLECTIONS; count++) await collect();
      return rssAnonBytes(hub.pid);
    },
    [Symbol.asyncDispose]: async () => {
      inspector.terminate();
      await hub[Symbol.asyncDispose]();
    },
  });
}
