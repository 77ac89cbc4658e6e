import { describe, expect, it } from "vitest";
import { ask } from "../support/http-request.js";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { until } from "../support/until.js";

const TOPICS = 80;
const ROUNDS = 4;
const MAPPED = 16;
/** At most what a log of the default capacity takes: 16 MiB and the head of its file. */
const RING_BYTES = 17 * 2 ** 20;

describe("more topics than may be mapped at once", () => {
  it("are all written, read live and replayed, also after a kill", async () => {
    await using hub = await startHub({ args: ["--max-mapped-logs", String(MAPPED)] });
    const topics = Array.from({ length: TOPICS }, (_, n) => `t.${n}`);
    await using client = await JsonClient.connect(hub.wsUrl);
    await using live = await JsonClient.connect(hub.wsUrl);
    await live.request({ op: "subscribe", pattern: "t.*" });

    for (let round = 0; round < ROUNDS; round++) {
      const replies = await Promise.all(
        topics.map((topic) => client.request({ op: "publish", topic, data: `${topic} ${round}` })),
      );
      expect(replies.map(({ offset }) => offset)).toEqual(new Array(TOPICS).fill(round));
    }

    const heard = new Map<string, unknown[]>();
    while ([...heard.values()].flat().length < TOPICS * ROUNDS) {
      const { topic, messages } = await live.nextOf("messages");
      heard.set(topic, [...(heard.get(topic) ?? []), ...messages.map(({ data }) => data)]);
    }
    expect([...heard].every(([topic, data]) => isWhole(topic, data))).toBe(true);
    await until("no more are mapped than may be", async () => (await mappedBytes(hub)) <= MAPPED * RING_BYTES);

    await hub.kill();
    await hub.restart();
    await using again = await JsonClient.connect(hub.wsUrl);
    for (const topic of topics) {
      const { messages, head } = await again.request({ op: "history", topic, from: "earliest" });
      const data = messages.map((message) => message.data);
      expect([topic, isWhole(topic, data), head]).toEqual([topic, true, ROUNDS]);
    }
  });
});

async function mappedBytes(hub: { readonly port: number }): Promise<number> {
  return Number(/^ringcast_log_mapped_bytes (\d+)$/m.exec((await ask(hub, "/metrics")).text)?.[1]);
}

function isWhole(topic: string, data: readonly unknown[]): boolean {
  return data.length === ROUNDS && data.every((each, round) => each === `${topic} ${round}`);
}
