import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { until } from "../support/until.js";

let hub: TestHub;

beforeAll(async () => void (hub = await startHub()));
afterAll(() => hub[Symbol.asyncDispose]());

describe("restore", () => {
  it("puts records back at their offsets, with epoch and times, in another topic or hub", async () => {
    const frame = await exported("origin", 5);

    expect(await restore("copy", frame)).toMatchObject({ status: 201, body: { head: 5 } });

    const [before, after] = [await pageOf("origin"), await pageOf("copy")];
    expect(after["messages"]).toEqual(before["messages"]);
    expect(after["epoch"]).toBe(before["epoch"]);
  });

  it("begins an empty log where the records begin", async () => {
    const frame = movedBy(await exported("late", 5), 1_000);

    expect(await restore("begins-late", frame)).toMatchObject({ status: 201, body: { head: 1_005 } });

    expect(await pageOf("begins-late")).toMatchObject({ tail: 1_000, head: 1_005, next: 1_005 });
    await using client = await JsonClient.connect(hub.wsUrl);
    expect(await client.request({ op: "publish", topic: "begins-late", data: 1 })).toMatchObject({ offset: 1_005 });
  });

  it("goes on at the head, also in another epoch, and delivers to who reads", async () => {
    const frame = await exported("first", 5);
    await restore("goes-on", frame);
    await using reader = await JsonClient.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic: "goes-on" });

    expect(await restore("goes-on", renamed(movedBy(frame, 5)))).toMatchObject({ status: 201, body: { head: 10 } });

    const { messages, epoch } = await reader.nextOf("messages");
    expect(messages.map(({ offset }) => offset)).toEqual([5, 6, 7, 8, 9]);
    expect(epoch).toBe("another");
  });

  it("refuses what doesn't begin at the head, and stores nothing of it", async () => {
    const frame = await exported("twice", 5);
    await restore("conflicts", frame);

    const again = await restore("conflicts", frame);
    const beyond = await restore("conflicts", movedBy(frame, 6));

    expect(again).toMatchObject({ status: 409, body: { code: "conflict", details: { head: 5 } } });
    expect(beyond).toMatchObject({ status: 409, body: { code: "conflict", details: { head: 5 } } });
    expect(await pageOf("conflicts")).toMatchObject({ head: 5 });
  });

  it("refuses a damaged record, and all others of its frame", async () => {
    const frame = await exported("damaged", 5);
    const broken = Buffer.from(frame);
    const at = broken.lastIndexOf("record 3");
    broken[at] = (broken[at] as number) ^ 1;

    expect(await restore("refuses", broken)).toMatchObject({
      status: 400,
      body: { code: "bad_request", details: { field: "check", index: 3 } },
    });
    expect(await restore("refuses", frame.subarray(0, frame.length - 8))).toMatchObject({ status: 400 });
    expect(await restore("refuses", Buffer.from("nonsense"))).toMatchObject({ status: 400 });
    expect((await fetch(`${hub.url}/v1/topics/refuses`)).status).toBe(404);
  });
});

/** Publishes records, and gives the delivery frame that holds them. */
async function exported(topic: string, count: number): Promise<Buffer> {
  await using publisher = await JsonClient.connect(hub.wsUrl);
  const messages = Array.from({ length: count }, (_, n) => ({ data: `record ${n}`, key: "k", headers: { n: `${n}` } }));
  await publisher.request({ op: "publish", topic, messages });
  await using reader = await BinaryClient.connect(hub.wsUrl);
  const frames: Buffer[] = [];
  reader.socket.on("message", (bytes: Buffer) => bytes[0] === 0xc1 && frames.push(Buffer.from(bytes)));
  await reader.request({ op: "subscribe", topic, from: "earliest" });
  await until("a delivery", () => frames.length > 0);
  return frames[0] as Buffer;
}

async function restore(topic: string, frame: Uint8Array): Promise<{ status: number; body: unknown }> {
  const headers = { "content-type": "application/vnd.ringcast.records" };
  const url = `${hub.url}/v1/topics/${topic}/partitions/0/records`;
  const response = await fetch(url, { method: "POST", headers, body: new Uint8Array(frame) });
  return { status: response.status, body: (await response.json()) as unknown };
}

async function pageOf(topic: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${hub.url}/v1/topics/${topic}/messages`)).json()) as Record<string, unknown>;
}

/** The same records at other offsets: those stand outside of the payload check. */
function movedBy(frame: Buffer, by: number): Buffer {
  const moved = Buffer.from(frame);
  const names = (moved[2] ?? 0) + (moved[3] ?? 0);
  for (let at = 32 + Math.ceil(names / 8) * 8; at < moved.length; at += moved.readUInt32LE(at + 4)) {
    moved.writeBigUInt64LE(moved.readBigUInt64LE(at + 8) + BigInt(by), at + 8);
  }
  return moved;
}

/** The same frame in the epoch `another`. */
function renamed(frame: Buffer): Buffer {
  const topicEnd = 32 + (frame[2] ?? 0);
  const recordsAt = Math.ceil((topicEnd + (frame[3] ?? 0)) / 8) * 8;
  const head = Buffer.alloc(Math.ceil((topicEnd + 7) / 8) * 8);
  frame.copy(head, 0, 0, topicEnd);
  head[3] = head.write("another", topicEnd);
  return Buffer.concat([head, frame.subarray(recordsAt)]);
}
