/**
 * A bystander in a process of its own: `program.ts <url> <topic> <interval in ms>` publishes a message every so often, whether or not the one before has come, and
 * reads them. Prints a line when it has begun; after a line on its input it stops, waits for what is still under way, and prints its report.
 */
import { once } from "node:events";
import WebSocket from "ws";

export interface BystanderReport {
  /** When each message was sent: milliseconds by the machine's monotonic clock, which all processes read alike. */
  readonly sentAt: readonly number[];
  /** From then until it was read. */
  readonly latencies: readonly number[];
}

interface Frame {
  readonly op: string;
  readonly subscription: number;
  readonly messages: readonly { readonly data: number; readonly offset: number }[];
}

const ACK_EVERY = 100;
const WINDOW = 10_000;

const [url = "", topic = "", intervalMs = ""] = process.argv.slice(2);
const sentAt: number[] = [];
const latencies: number[] = [];

const publisher = await open();
const reader = await open();
reader.send(JSON.stringify({ op: "subscribe", id: 1, topic, from: "latest", window: WINDOW }));
await new Promise<void>((resolve) => {
  reader.on("message", (bytes: Buffer) => took(JSON.parse(bytes.toString()) as Frame, resolve));
});
publisher.on("message", (bytes: Buffer) => {
  if (!bytes.includes('"op":"published"')) throw new Error(`The bystander was told ${bytes.toString()}`);
});
for (const socket of [publisher, reader]) {
  socket.on("close", (code) => {
    throw new Error(`The bystander's connection was closed with ${code}`);
  });
}
const publishing = setInterval(publish, Number(intervalMs));
console.log("begun");

await once(process.stdin, "data");
clearInterval(publishing);
while (latencies.length < sentAt.length) await once(reader, "message");
process.stdout.write(`${JSON.stringify({ sentAt, latencies } satisfies BystanderReport)}\n`, () => process.exit());

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(url, "ringcast.v1.json");
  await once(socket, "message");
  return socket;
}

function publish(): void {
  const number = sentAt.push(now()) - 1;
  publisher.send(JSON.stringify({ op: "publish", id: number, topic, data: number }));
}

function took(frame: Frame, subscribed: () => void): void {
  if (frame.op === "subscribed") subscribed();
  else if (frame.op !== "messages") throw new Error(`The bystander got ${JSON.stringify(frame)}`);
  else for (const { data, offset } of frame.messages) arrived(frame.subscription, data, offset);
}

function arrived(subscription: number, number: number, offset: number): void {
  const expected = latencies.length;
  if (number !== expected) throw new Error(`The bystander got message ${number} instead of ${expected}`);
  latencies.push(now() - (sentAt[number] as number));
  if (offset % ACK_EVERY === 0) reader.send(JSON.stringify({ op: "ack", subscription, offset }));
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
