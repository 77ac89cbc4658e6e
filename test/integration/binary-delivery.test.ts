import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadUws } from "../../server/src/transport/uws/library.js";
import { BinaryClient } from "../support/binary-client.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";

const MEBIBYTE = 1_048_576;
/** More than is read through the mapping: readers at the beginning get their blocks from the file. */
const FAR_BYTES = 12 * MEBIBYTE;

const TRANSPORTS = (await loadUws(16_384)) instanceof Error ? ["ws"] : ["uws", "ws"];

describe.each(TRANSPORTS)("binary delivery over %s", (transport) => {
  let hub: TestHub;

  beforeAll(async () => void (hub = await startHub({ args: ["--transport", transport] })));
  afterAll(() => hub[Symbol.asyncDispose]());

  it("gives every reader the publisher's bytes and check, whatever the content type", async () => {
    await using publisher = await BinaryClient.connect(hub.wsUrl);
    const readers = await Promise.all([1, 2, 3].map(() => BinaryClient.connect(hub.wsUrl)));
    for (const reader of readers) await reader.request({ op: "subscribe", topic: "types" });
    const drafts = [
      { type: 0, data: Buffer.from([0, 255, 193]) },
      { type: 1, data: '{"a": 12345678901234567890}', key: "k", headers: { h: "v" } },
      { type: 2, data: Buffer.from([0x93, 1, 2, 0xc0]) },
      { type: 3, data: "grüße" },
    ];

    await publisher.publish({ topic: "types", records: drafts });
    const frames = await Promise.all(readers.map((reader) => reader.nextOf("messages")));

    for (const { records, next } of frames) {
      expect(next).toBe(4);
      expect(records.map(({ type, bytes }) => ({ type, bytes }))).toEqual(
        drafts.map(({ type, data }) => ({ type, bytes: Buffer.from(data) })),
      );
      expect(records.every(({ isIntact }) => isIntact)).toBe(true);
      expect(records[1]).toMatchObject({ key: "k", headers: { h: "v" } });
    }
    for (const reader of readers) await reader[Symbol.asyncDispose]();
  });

  it("replays what lies far behind, to several readers at once and to one that stalls, in both dialects", async () => {
    await publishFar(hub, "far");
    const clients = [
      await BinaryClient.connect(hub.wsUrl),
      await BinaryClient.connect(hub.wsUrl),
      await JsonClient.connect(hub.wsUrl),
    ];
    const [stalled] = clients as [BinaryClient];
    for (const client of clients)
      await client.request({ op: "subscribe", topic: "far", from: "earliest", until: "head" });
    stalled.socket.pause();
    const others = await Promise.all(clients.slice(1).map(readAll));
    stalled.socket.resume();

    for (const data of [...others, await readAll(stalled)]) {
      expect(data.length).toBe(FAR_BYTES / 16_384);
      expect(data.every((text, n) => text.startsWith(`${n} `))).toBe(true);
    }
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it("gives a page of history as records", async () => {
    await using client = await BinaryClient.connect(hub.wsUrl);
    await client.publish({ topic: "page", records: [1, 2, 3].map((n) => ({ data: `${n}` })) });

    const page = await client.request({ op: "history", topic: "page", from: { offset: 1 }, limit: 5 });

    expect(page).toMatchObject({
      head: 3,
      next: { offset: 3 },
      messages: [
        { offset: 1, data: 2 },
        { offset: 2, data: 3 },
      ],
    });
  });
});

async function publishFar(hub: TestHub, topic: string): Promise<void> {
  await using publisher = await JsonClient.connect(hub.wsUrl);
  for (let n = 0; n < FAR_BYTES / 16_384; n += 64) {
    const messages = Array.from({ length: 64 }, (_, i) => ({ data: `${n + i} `.padEnd(16_300, "x") }));
    const answer = await publisher.request({ op: "publish", topic, messages });
    expect(answer.op).toBe("published");
  }
}

/** The data of everything up to `ended`. */
async function readAll(client: BinaryClient | JsonClient): Promise<string[]> {
  const data: string[] = [];
  for (let next = 0; ;) {
    const frame = await client.next(30_000);
    if (frame.op === "ended") return data;
    expect(frame.op).toBe("messages");
    expect(frame.messages[0]?.offset).toBe(next);
    data.push(...frame.messages.map((message) => message.data as string));
    ({ next } = frame);
  }
}
