/** Reads a topic in the JSON dialect with nothing but `ws`: `json-websocket.ts <url> <topic> <records>`. Prints a line when subscribed, and its report. */
import WebSocket from "ws";
import { RecordDigest, type DigestedRecord } from "./record-digest.js";

interface Frame {
  readonly op: string;
  readonly subscription: number;
  readonly messages: readonly DigestedRecord[];
}

const WINDOW = 4_000;
const [url = "", topic = "", records = ""] = process.argv.slice(2);
const digest = new RecordDigest();
const socket = new WebSocket(url, "ringcast.v1.json");
const frames = takeFrames();
let unacknowledged = 0;

for await (const frame of frames) {
  if (frame.op === "welcome") send({ op: "subscribe", id: 1, topic, from: "earliest", window: WINDOW });
  else if (frame.op === "subscribed") console.log("subscribed");
  else if (frame.op === "messages") await take(frame);
  else throw new Error(`Unexpected: ${JSON.stringify(frame)}`);
  if (digest.records === Number(records)) break;
}
socket.close();
console.log(JSON.stringify(await digest.report()));

async function take({ subscription, messages }: Frame): Promise<void> {
  for (const message of messages) await digest.add(message);
  unacknowledged += messages.length;
  if (unacknowledged * 2 < WINDOW) return;
  unacknowledged = 0;
  send({ op: "ack", subscription, offset: messages.at(-1)?.offset });
}

function send(request: object): void {
  socket.send(JSON.stringify(request));
}

/** Frames in the order they come, one at a time. */
async function* takeFrames(): AsyncGenerator<Frame, undefined> {
  const waiting: Frame[] = [];
  let wake: () => void = () => undefined;
  socket.on("message", (bytes: Buffer) => {
    waiting.push(JSON.parse(bytes.toString()) as Frame);
    wake();
  });
  for (;;) {
    const frame = waiting.shift();
    if (frame !== undefined) yield frame;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}
