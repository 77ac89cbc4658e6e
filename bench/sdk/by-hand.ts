/**
 * The same work as somebody writes it who has no SDK: a WebSocket, `JSON.parse` or msgpackr, a map of promises. No order, no resuming, no sequence, no
 * time limit, no window: what is left when all that is taken away is what the SDK's figures are compared with.
 */
import { Packr, Unpackr } from "msgpackr";
import { dataOf, type Client, type Task } from "./task.js";

/** What the platform's WebSocket and that of `ws` have in common. */
export interface SocketLike {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: string | Uint8Array): void;
  close(): void;
}

export type OpenSocket = (url: string, subprotocol: string) => SocketLike;

interface Reply {
  readonly op: string;
  readonly id?: number;
}

/** So many requests in flight; the hub allows 1,024. */
const MAX_INFLIGHT = 1_000;
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "number" });

/** @param open of the platform */
export function handClient(open: OpenSocket): Client {
  return async (task, begin, end) => {
    const isBinary = task.dialect === "binary";
    const socket = open(`${task.url}/v1/ws`, isBinary ? "ringcast.v1.msgpack" : "ringcast.v1.json");
    socket.binaryType = "arraybuffer";
    // The hub speaks first.
    await new Promise<void>((resolve, reject) => {
      socket.onmessage = () => resolve();
      socket.onerror = () => reject(new Error("No connection."));
    });
    begin();
    await (task.what === "read" ? read(socket, task) : publish(socket, task));
    end();
    socket.close();
  };
}

function encode(request: object, { dialect }: Task): string | Uint8Array {
  return dialect === "binary" ? packr.pack(request) : JSON.stringify(request);
}

/** Counts by offsets, so that every message is looked at. */
function read(socket: SocketLike, task: Task): Promise<void> {
  return new Promise((resolve) => {
    const take = (offset: number): void => {
      if (offset + 1 === task.records) resolve();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") takeRecords(new Uint8Array(data as ArrayBuffer), take);
      else {
        const { messages = [] } = JSON.parse(data) as { readonly messages?: readonly { readonly offset: number }[] };
        for (const { offset } of messages) take(offset);
      }
    };
    socket.send(encode({ op: "subscribe", id: 1, topic: task.topic, from: "earliest" }, task));
  });
}

/** The least that a reader of docs/protocol.md, "Record layout", does. Keys and headers, which there are none of, are stepped over. */
function takeRecords(frame: Uint8Array, take: (offset: number, data: unknown) => void): void {
  if (frame[0] !== 0xc1) return;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let at = (32 + view.getUint8(2) + view.getUint8(3) + 7) & ~7;
  for (; at < frame.length; at += view.getUint32(at + 4, true)) {
    const offset = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
    const start = at + 48 + view.getUint16(at + 40, true) + view.getUint16(at + 42, true);
    const end = start + view.getUint32(at + 36, true);
    const isBytes = view.getUint8(at + 44) === 0;
    take(offset, isBytes ? frame.slice(start, end) : (unpackr.unpack(frame, { start, end }) as unknown));
  }
}

async function publish(socket: SocketLike, task: Task): Promise<void> {
  const { topic, records, batch = 1 } = task;
  const waiting = new Map<number, (reply: Reply) => void>();
  let wake: (() => void) | undefined;
  let stored = 0;
  socket.onmessage = ({ data }) => {
    const reply = (
      typeof data === "string" ? JSON.parse(data) : unpackr.unpack(new Uint8Array(data as ArrayBuffer))
    ) as Reply;
    const { id = 0 } = reply;
    waiting.get(id)?.(reply);
    waiting.delete(id);
    wake?.();
  };
  const request = (fields: object, id: number): Promise<Reply> =>
    new Promise((resolve) => {
      waiting.set(id, resolve);
      socket.send(encode({ op: "publish", id, topic, ...fields }, task));
    });
  const count = ({ op }: Reply): void => void (stored += op === "published" ? batch : 0);
  let last: Promise<void> | undefined;
  for (let n = 0; n < records; n += batch) {
    const fields =
      batch === 1
        ? { data: dataOf("object", n) }
        : { messages: Array.from({ length: batch }, (_, i) => ({ data: dataOf("object", n + i) })) };
    last = request(fields, n).then(count);
    while (waiting.size >= MAX_INFLIGHT) await new Promise<void>((resolve) => (wake = resolve));
  }
  await last;
  if (stored !== records) throw new Error(`${stored} of ${records} were stored`);
}
