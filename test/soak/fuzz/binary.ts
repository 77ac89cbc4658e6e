/** Msgpack, batch frames and records: all readers agree with one another, with what was written, and with msgpackr. */
import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import { Unpackr } from "msgpackr";
import {
  ByteWriter,
  DEFAULT_LIMITS,
  RingcastError,
  checkHeaderBlock,
  checkRecord,
  decodeHeaders,
  decodeMsgpack,
  decodeMsgpackHubFrame,
  decodeMsgpackRequest,
  encodeHeaders,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
  isFiller,
  isPayloadIntact,
  readPayload,
  readProducerPart,
  skipMsgpack,
  wasForeign,
  wasTooDeep,
  writeMsgpackAsJson,
} from "@ringcast/protocol";
import { publishFrame, recordBytes } from "../../support/batch-frame.js";
import { demand, fuzzed, type Fuzzed } from "./fuzzed.js";
import { mutantsOf } from "./mutants.js";

const unpackr = new Unpackr({ useRecords: false, int64AsType: "auto" as "bigint" });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const VALUES = [
  { op: "x", list: [1, -1, 127, 128, 65_536, 2 ** 40, -(2 ** 40), 0.5, null, true], text: "h\u00e9llo \u{1f600}" },
  [new Uint8Array([1, 2, 3]), new Date(1_763_600_000_123), { deep: [[[{ a: [] }]]] }, 2n ** 63n, "x".repeat(40)],
  { a: { b: { c: { d: [new Date(0), new Date(-1)] } } }, "": [{}, [], ""] },
].map((value) => encodeMsgpack(value));
const REQUESTS = [
  { op: "publish", id: 1, topic: "orders", data: { n: [1, "x"] }, key: "k", headers: { h: "v" }, partition: 2 },
  {
    op: "publish",
    id: "x",
    topic: "t",
    messages: [{ data: 1 }, { data: [1], key: "k" }],
    producer: { id: "p", sequence: 1 },
  },
  {
    op: "subscribe",
    id: 2,
    pattern: "a.>",
    from: { topics: { a: { 0: { epoch: "e", offset: 1 } } } },
    filter: { keys: ["a"] },
  },
  { op: "ack", subscription: 7, offset: 3 },
].map((value) => encodeMsgpack(value));
const RECORDS = [
  { data: `{"n":1}` },
  { data: "h\u00e9llo", type: 3, key: "c-17", headers: { k: "v", "": "" } },
  { data: Buffer.from(encodeMsgpack([1, "x"])), type: 2, key: "" },
  { data: Buffer.alloc(30, 7), type: 0, headers: { a: "1", b: "2" } },
];
const FRAMES = [
  publishFrame({ id: 1, topic: "orders", records: RECORDS.slice(0, 1) }),
  publishFrame({
    id: 2,
    topic: "a.b",
    records: RECORDS.filter((_, n) => n !== 1),
    producer: { id: "p1", sequence: 5 },
  }),
  publishFrame({ id: 3, topic: "t", records: RECORDS.slice(2), partition: 7, durability: "synced" }),
];
const HUB_FRAMES = [
  ...[
    { op: "pong", id: 1, time: 2 },
    { op: "error", code: "bad_request", message: "m" },
  ].map((frame) => encodeMsgpack(frame)),
  ...FRAMES.map((frame) => Buffer.concat([Buffer.of(0xc1, 1), frame.subarray(2)])),
];

/** Makes the checks of the records right again, as far as there are records, so that what lies behind them is looked at. */
function recheck(frame: Buffer): void {
  if (frame.length < 32) return;
  let at = (32 + (frame[2] as number) + (frame[3] as number) + 7) & ~7;
  while (at + 48 <= frame.length) {
    recheckRecord(frame, at);
    const length = frame.readUInt32LE(at + 4) & ~7;
    if (length < 48) return;
    at += length;
  }
}

function recheckRecord(bytes: Buffer, at: number): void {
  if (at + 48 > bytes.length) return;
  const end = at + 48 + bytes.readUInt16LE(at + 40) + bytes.readUInt16LE(at + 42) + bytes.readUInt32LE(at + 36);
  if (end <= bytes.length) bytes.writeUInt32LE(crc32(bytes.subarray(at + 36, end)), at + 32);
}

/** The scanner, the translator and the decoder say the same; what was decoded comes back; msgpackr understands the same. */
function judgeValue(bytes: Buffer): boolean {
  const isGood = skipMsgpack(bytes, 0, bytes.length) === bytes.length && !wasTooDeep() && !wasForeign();
  const writer = new ByteWriter(1);
  demand(
    writeMsgpackAsJson(writer, bytes, 0, bytes.length) === isGood,
    "the translator disagrees",
    bytes.toString("hex"),
  );
  const decoded = decodedOf(bytes);
  demand(decoded.ok === isGood, "the decoder disagrees", bytes.toString("hex"));
  if (!decoded.ok) return false;
  JSON.parse(strict.decode(writer.take()));
  const again = decodeMsgpack(encodeMsgpack(decoded.value));
  demand(isDeepStrictEqual(again, decoded.value), "it doesn't come back", bytes.toString("hex"));
  return true;
}

function decodedOf(bytes: Uint8Array): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: decodeMsgpack(bytes) };
  } catch (error) {
    if (error instanceof RingcastError && error.code === "bad_frame") return { ok: false };
    throw error;
  }
}

/** What we write of what we understood, msgpackr understands alike; its Buffers, keys and zeros are its own. */
function judgeByOthers(bytes: Buffer): boolean {
  const decoded = decodedOf(bytes);
  if (!decoded.ok) return false;
  const plain = JSON.stringify(decoded.value, asText);
  if (plain.includes("__proto__")) return true;
  const others: unknown = unpackr.unpack(Buffer.from(encodeMsgpack(decoded.value)));
  demand(JSON.stringify(others, asText) === plain, "msgpackr disagrees", plain);
  return true;
}

/** Not `value`: a Buffer has made an object of itself by then. */
function asText(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const raw = this[key];
  if (typeof raw === "bigint") return `n${raw}`;
  // Two of the integers that a number can't tell from their neighbours are numbers to msgpackr.
  if (typeof raw === "number" && Math.abs(raw) === 2 ** 53) return `n${raw}`;
  return raw instanceof Uint8Array ? Buffer.from(raw).toString("hex") : value;
}

function judgeRequest(bytes: Buffer): boolean {
  const outcome = decodeMsgpackRequest(bytes, DEFAULT_LIMITS);
  const isMsgpack = bytes[0] === 0xc1 || skipMsgpack(bytes, 0, bytes.length) === bytes.length;
  const closeCode = outcome.ok ? undefined : outcome.closeCode;
  if (bytes[0] !== 0xc1) demand((closeCode === 1007) === !isMsgpack, "closed with", closeCode, bytes.toString("hex"));
  return outcome.ok;
}

/** A publish that was taken is, laid out again, byte for byte the frame that came. */
function judgePublish(bytes: Buffer): boolean {
  const outcome = decodeMsgpackRequest(bytes, DEFAULT_LIMITS);
  if (!outcome.ok || outcome.request.op !== "publish" || bytes[0] !== 0xc1) return false;
  const { id, topic, batch, partition, producer, durability, messages } = outcome.request;
  const head = { id: id as number, topic, batch, partition, producer, durability, count: messages.length };
  const again = encodePublishFrame(head, encodeRecords(messages));
  demand(
    Buffer.compare(again, bytes) === 0,
    "laid out otherwise",
    Buffer.from(again).toString("hex"),
    bytes.toString("hex"),
  );
  return true;
}

function judgeHubFrame(bytes: Buffer): boolean {
  return decodeMsgpackHubFrame(bytes, { verify: () => bytes.length % 2 === 0 }) !== undefined;
}

/** Whatever stands there: its parts lie within it, and a payload that is taken is the one that was checked. */
function judgeRecord(bytes: Buffer): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = checkRecord(view, 0, bytes.length);
  demand(length <= bytes.length && length % 8 === 0, "a length beyond the bytes", length, bytes.length);
  if (length === 0 || isFiller(view, 0)) return false;
  readProducerPart(bytes, view, 0);
  const { data, key, headers } = readPayload(bytes, view, 0);
  demand(isPayloadIntact(view, 0), "taken though the check is wrong");
  demand(48 + data.length + headers.length + (key?.length ?? 0) <= length, "parts beyond the record");
  return true;
}

/** A header block that is taken is read whole, and written alike. */
function judgeHeaders(bytes: Buffer): boolean {
  checkHeaderBlock(bytes, 0, bytes.length);
  const entries = decodeHeaders(bytes);
  demand(entries !== undefined, "checked, but not read", bytes.toString("hex"));
  const isOrdered = entries?.every(([name]) => !/^\d+$/.test(name)) === true;
  if (isOrdered) {
    const again = encodeHeaders(Object.fromEntries(entries));
    demand(Buffer.compare(again, bytes) === 0, "laid out otherwise", bytes.toString("hex"));
  }
  return true;
}

const mendRecord = (bytes: Buffer): void => recheckRecord(bytes, 0);
const BLOCKS = [{ k: "v" }, { content: "application/json", "": "" }, { "\u00e9": "\u{1f600}", a: "x".repeat(300) }].map(
  (headers) =>
    Buffer.concat(
      Object.entries(headers).map(([name, value]) => {
        const head = Buffer.from([Buffer.byteLength(name), 0, 0]);
        head.writeUInt16LE(Buffer.byteLength(value), 1);
        return Buffer.concat([head, Buffer.from(name), Buffer.from(value)]);
      }),
    ),
);

export const BINARY_DECODERS: readonly Fuzzed[] = [
  fuzzed("msgpack", mutantsOf(VALUES), judgeValue),
  fuzzed("msgpack, as others read it", mutantsOf(VALUES), judgeByOthers),
  fuzzed("msgpack requests", mutantsOf(REQUESTS), judgeRequest),
  fuzzed("batch frames", mutantsOf(FRAMES, recheck), judgePublish),
  fuzzed("binary frames of the hub", mutantsOf(HUB_FRAMES, recheck), judgeHubFrame),
  fuzzed("records", mutantsOf(RECORDS.map(recordBytes), mendRecord), judgeRecord),
  fuzzed("header blocks", mutantsOf(BLOCKS), judgeHeaders),
];
