/** What the system gives the hub no more of: file handles, memory, rights, fallocate. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { JsonClient } from "../support/json-client.js";
import { startHub, type TestHub } from "../support/hub.js";
import { until } from "../support/until.js";
import { addRow, NOTHING } from "./rows.js";

/** More logs than there are handles left for. */
const TOPICS = 60;
const SPARE = 30;

/** What publishing to many topics, again and again until each has taken a record, has met. */
interface Publishing {
  readonly acknowledged: number;
  /** Sentences with which publishes were refused. */
  readonly refusals: readonly string[];
}

async function publishToAll(client: JsonClient, topics: number): Promise<Publishing> {
  const refusals: string[] = [];
  let acknowledged = 0;
  for (let topic = 0; topic < topics; topic++) {
    await until(`topic ${topic} takes a record`, async () => {
      const reply = await client.request({ op: "publish", topic: `t.${topic}`, data: topic });
      if (reply.op !== "error") return true;
      if (reply.code !== "unavailable") throw new Error(JSON.stringify(reply));
      refusals.push(reply.message);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return false;
    });
    acknowledged++;
  }
  return { acknowledged, refusals };
}

/** Reads all topics back. @returns how many had no record */
async function missing(client: JsonClient, topics: number): Promise<number> {
  let count = 0;
  for (let topic = 0; topic < topics; topic++) {
    const { messages } = await client.request({ op: "history", topic: `t.${topic}`, from: "earliest" });
    if (messages[0]?.data !== topic) count++;
  }
  return count;
}

function handlesOf(hub: TestHub): number {
  return readdirSync(`/proc/${hub.pid}/fd`).length;
}

describe("a hub that has no more file handles", () => {
  it("lets go of logs that nobody uses, refuses for a moment at most, and loses nothing", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    await using reader = await JsonClient.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", pattern: "t.*" });
    const limit = handlesOf(hub) + SPARE;
    execFileSync("prlimit", ["--pid", String(hub.pid), `--nofile=${limit}:${limit}`]);

    const { acknowledged, refusals } = await publishToAll(client, TOPICS);

    expect(refusals.every((sentence) => sentence.includes("raise the limit of open files"))).toBe(true);
    expect(handlesOf(hub)).toBeLessThanOrEqual(limit);
    await reader.messages(TOPICS);
    await hub.kill();
    await hub.restart();
    await using after = await JsonClient.connect(hub.wsUrl);
    const lost = await missing(after, TOPICS);
    const operations = acknowledged + refusals.length;
    addRow({
      fault: "storage: no file handles",
      cycles: 1,
      operations,
      acknowledged,
      delivered: TOPICS,
      ...NOTHING,
      lost,
    });
    expect(lost).toBe(0);
  });
});
