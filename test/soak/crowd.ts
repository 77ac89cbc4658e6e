/** Many who read and publish at once, for tests of load. */
import { BinaryClient } from "../support/binary-client.js";
import { EventReader } from "../support/event-reader.js";
import { readExposition } from "../support/exposition.js";
import type { AnyFrame, FrameClient } from "../support/frame-client.js";
import type { TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { RawSubscriber } from "../support/raw-subscriber.js";

export const TOPIC = "load";
const BATCH = 100;
const DIALS = 50;

export async function createTopic(hub: TestHub, config: object): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(config),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** @returns how many were published */
export async function publishBatches(hub: TestHub, records: number, recordBytes: number): Promise<number> {
  const data = "x".repeat(recordBytes);
  for (let sent = 0; sent < records; sent += BATCH) {
    const messages = Array.from({ length: Math.min(BATCH, records - sent) }, () => ({ data }));
    const response = await fetch(`${hub.url}/v1/topics/${TOPIC}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages }),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.arrayBuffer();
  }
  return records;
}

/** Readers at the head. */
export async function subscribeMany(hub: TestHub, count: number): Promise<RawSubscriber[]> {
  const readers: RawSubscriber[] = [];
  while (readers.length < count) {
    const dials = Math.min(DIALS, count - readers.length);
    readers.push(...(await Promise.all(Array.from({ length: dials }, () => RawSubscriber.subscribe(hub.port, TOPIC)))));
  }
  return readers;
}

/** Waits until all of them have everything before an offset. */
export async function all(readers: readonly RawSubscriber[], offset: number): Promise<void> {
  await Promise.all(readers.map((reader) => reached(reader, offset)));
}

function reached(reader: RawSubscriber, offset: number): Promise<void> {
  if (reader.next >= offset) return Promise.resolve();
  return new Promise((resolve) => {
    reader.onDelivery = () => {
      if (reader.next < offset) return;
      reader.onDelivery = undefined;
      resolve();
    };
  });
}

/** Reads so many records of a stream, and goes on elsewhere where it breaks. @returns their offsets */
export async function offsetsOf(stream: EventReader, hub: TestHub, count: number): Promise<number[]> {
  const offsets: number[] = [];
  let reader = stream;
  let position = "";
  while (offsets.length < count) {
    const event = await reader.next().catch(() => undefined);
    if (event === undefined) reader = await EventReader.open(eventsOf(hub), { "Last-Event-ID": position });
    else {
      offsets.push((JSON.parse(event.data) as { offset: number }).offset);
      position = event.id;
    }
  }
  reader[Symbol.dispose]();
  return offsets;
}

export function eventsOf(hub: TestHub): string {
  return `${hub.url}/v1/topics/${TOPIC}/events?from=earliest`;
}

/** Gaps that were told, and deliveries that did not begin where the one before had ended. */
export function flawsOf(readers: readonly RawSubscriber[]): { gaps: number; breaks: number } {
  const sum = (of: (reader: RawSubscriber) => number): number => readers.reduce((all, reader) => all + of(reader), 0);
  return { gaps: sum(({ gaps }) => gaps), breaks: sum(({ breaks }) => breaks) };
}

/** How many cursors are in a state. */
export async function cursorsIn(hub: TestHub, state: string): Promise<number | undefined> {
  const families = readExposition(await (await fetch(`${hub.url}/metrics`)).text());
  const name = "ringcast_cursor_states";
  return families.get(name)?.samples.get(`${name}{state="${state}"}`);
}

/** Sends all requests without waiting. @returns the replies, in the order of the requests */
export async function pipelined(client: FrameClient, requests: readonly object[]): Promise<AnyFrame[]> {
  requests.forEach((request, id) => client.send({ ...request, id: `p${id}` }));
  const replies = new Map<string, AnyFrame>();
  while (replies.size < requests.length) {
    const frame = await client.next(30_000);
    if (typeof frame.id === "string") replies.set(frame.id, frame);
  }
  return requests.map((_, id) => replies.get(`p${id}`) as AnyFrame);
}

/** The data of the next `count` messages, by subscription. */
export async function deliveriesOf(client: FrameClient, count: number): Promise<Map<number, unknown[]>> {
  const got = new Map<number, unknown[]>();
  for (let left = count; left > 0;) {
    const { subscription, messages } = await client.nextOf("messages", 30_000);
    got.set(subscription, [...(got.get(subscription) ?? []), ...messages.map(({ data }) => data)]);
    left -= messages.length;
  }
  return got;
}

/** What a request came to: the operation of its reply, or the code of its error. */
export function outcomeOf({ op, code }: AnyFrame): string {
  return op === "error" ? code : op;
}

/** Requests under way and bytes that the socket holds: far more than the hub lets wait for the device. */
const MOST_UNDER_WAY = 3_000;
const MOST_UNSENT_BYTES = 2 ** 20;

/** Publishes as fast as its socket takes it, for so long. @returns the outcome of each */
export async function publishAtFullSpeed(client: FrameClient, forMs: number, data: string): Promise<string[]> {
  const outcomes: string[] = [];
  let sent = 0;
  const answered = (async () => {
    for (let isOver = false; !isOver || outcomes.length < sent;) {
      const frame = await client.next(60_000);
      if (frame.op === "pong") isOver = true;
      else outcomes.push(outcomeOf(frame));
    }
  })();
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline) {
    const isFull = client.socket.bufferedAmount > MOST_UNSENT_BYTES || sent - outcomes.length > MOST_UNDER_WAY;
    if (!isFull) client.send({ op: "publish", id: sent++, topic: TOPIC, data });
    if (isFull || sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  client.send({ op: "ping", id: "last" });
  await answered;
  return outcomes;
}

/** Ways in which somebody comes, reads the topic's first record, and goes. */
export const VISITS: readonly ((hub: TestHub) => Promise<void>)[] = [
  async (hub) => {
    const client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: TOPIC, from: "earliest" });
    await client.nextOf("messages");
    client.socket.terminate();
    await client.closed;
  },
  async (hub) => {
    const client = await BinaryClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: TOPIC, from: "earliest" });
    await client.nextOf("messages");
    client.socket.close();
    await client.closed;
  },
  async (hub) => {
    const events = await EventReader.open(eventsOf(hub));
    await events.next();
    events[Symbol.dispose]();
  },
  async (hub) => {
    const reader = await RawSubscriber.subscribe(hub.port, TOPIC);
    reader.onLost = () => undefined;
    reader.cut();
  },
  async (hub) => {
    const client = await JsonClient.open(hub.wsUrl);
    client.send("this is no frame");
    await client.closed;
  },
];
