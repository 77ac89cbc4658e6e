import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  CONTENT_TYPE,
  DEFAULT_LIMITS,
  ERRORS,
  FLAG_MORE,
  KEY_AT,
  NO_HEADERS,
  NO_PRODUCER,
  checkRecord,
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  decodeHeaders,
  decodeHubFrame,
  decodeMsgpack,
  decodeMsgpackHubFrame,
  decodeMsgpackRequest,
  decodeRequest,
  encodeHeaders,
  encodeMsgpack,
  encodeProducerPart,
  encodePublishFrame,
  encodeRecords,
  hasMore,
  headersAtOf,
  hubCheckSeed,
  isFiller,
  isHubPartIntact,
  isPayloadIntact,
  lengthOf,
  offsetOf,
  readProducerPart,
  recordSize,
  timestampOf,
  writeDeliveryHead,
  writeFiller,
  writeRecord,
} from "@ringcast/protocol";
import type { NewMessage, RecordStamp } from "@ringcast/protocol";
import { asked } from "../../support/asked.js";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");
const seed = hubCheckSeed("k7Qx", 0);

/** Bytes of a block ```hex <name>: what stands before two or more spaces and the explanation. */
function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  const block = page.split(`\`\`\`hex ${name}\n`)[1]?.split("```")[0] ?? "";
  const digits = block
    .split("\n")
    .flatMap((line) => /^(?:[0-9a-f]{2}\s+)*/.exec(line)?.[0].match(/[0-9a-f]{2}/g) ?? []);
  return Uint8Array.from(digits, (digit) => parseInt(digit, 16));
}

function written(message: NewMessage, stamp: RecordStamp): Uint8Array {
  const bytes = new Uint8Array(recordSize(message, stamp.producer.length));
  writeRecord(bytes, new DataView(bytes.buffer), 0, message, stamp);
  return bytes;
}

const text = (bytes: Uint8Array, from: number, to: number): string =>
  new TextDecoder().decode(bytes.subarray(from, to));
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the examples of docs/protocol.md", () => {
  it("hold the JSON record", () => {
    const bytes = bytesOf("json-record");
    const view = new DataView(bytes.buffer);
    expect(checkRecord(view, 0, bytes.length)).toBe(56);
    expect([isPayloadIntact(view, 0), isHubPartIntact(view, 0, seed, 0)]).toEqual([true, true]);
    expect([offsetOf(view, 0), timestampOf(view, 0)]).toEqual([0, 1763600000000]);
    expect(text(bytes, dataAtOf(view, 0), dataEndOf(view, 0))).toBe('{"n":1}');

    const message = { contentType: CONTENT_TYPE.json, data: utf8('{"n":1}'), key: undefined, headers: NO_HEADERS };
    const stamp = { offset: 0, timestamp: 1763600000000, flags: 0, seed, address: 0, producer: NO_PRODUCER };
    expect(written(message, stamp)).toEqual(bytes);
  });

  it("hold the record with key, headers and producer", () => {
    const bytes = bytesOf("text-record");
    const view = new DataView(bytes.buffer);
    expect(checkRecord(view, 0, bytes.length)).toBe(88);
    expect([isPayloadIntact(view, 0), isHubPartIntact(view, 0, seed, 4_096)]).toEqual([true, true]);
    expect([offsetOf(view, 0), hasMore(view, 0), contentTypeOf(view, 0)]).toEqual([42, true, CONTENT_TYPE.text]);
    expect(text(bytes, KEY_AT, headersAtOf(view, 0))).toBe("c-17");
    expect(decodeHeaders(bytes, headersAtOf(view, 0), dataAtOf(view, 0))).toEqual([["k", "v"]]);
    expect(text(bytes, dataAtOf(view, 0), dataEndOf(view, 0))).toBe("héllo");
    const producer = { id: "p1", sequence: 5, count: 2, digest: 0xdecafbad };
    expect(readProducerPart(bytes, view, 0)).toEqual(producer);

    const headers = encodeHeaders({ k: "v" });
    const message = { contentType: CONTENT_TYPE.text, data: utf8("héllo"), key: utf8("c-17"), headers };
    const part = encodeProducerPart(producer, 2);
    const stamp = { offset: 42, timestamp: 1763600000001, flags: FLAG_MORE, seed, address: 4_096, producer: part };
    expect(written(message, stamp)).toEqual(bytes);
  });

  it("hold the filler", () => {
    const bytes = bytesOf("filler");
    const view = new DataView(bytes.buffer);
    expect([isFiller(view, 0), lengthOf(view, 0)]).toEqual([true, 24]);
    expect(isHubPartIntact(view, 0, seed, 65_512)).toBe(true);

    const made = new Uint8Array(8);
    writeFiller(new DataView(made.buffer), 0, 24, seed, 65_512);
    expect(made).toEqual(bytes);
  });

  it("hold a control frame of the binary dialect", () => {
    const bytes = bytesOf("subscribe-frame");
    const fields = { op: "subscribe", id: 1, topic: "orders", from: "earliest" };
    expect(decodeMsgpack(bytes)).toEqual(fields);
    expect(encodeMsgpack(fields)).toEqual(bytes);
    expect(decodeMsgpackRequest(bytes, DEFAULT_LIMITS)).toMatchObject({ ok: true, request: fields });
  });

  it("hold a delivery", () => {
    const bytes = bytesOf("delivery-frame");
    const messages = [{ offset: 0, timestamp: 1763600000000, data: { n: 1 } }];
    const place = { subscription: 7, topic: "orders", partition: 0, epoch: "k7Qx", next: 1 };
    expect(decodeMsgpackHubFrame(bytes, { verify: () => true })).toEqual({ op: "messages", ...place, messages });

    const writer = new ByteWriter();
    writeDeliveryHead(writer, { ...place, count: 1 });
    writer.copy(bytesOf("json-record"));
    expect(writer.take()).toEqual(bytes);
  });

  it("hold a publish", () => {
    const bytes = bytesOf("publish-frame");
    const message = { contentType: CONTENT_TYPE.json, data: utf8('{"n":1}'), key: undefined, headers: NO_HEADERS };
    const head = {
      id: 1,
      topic: "orders",
      batch: false,
      partition: undefined,
      producer: undefined,
      durability: undefined,
    };
    expect(encodePublishFrame({ ...head, count: 1 }, encodeRecords([message]))).toEqual(bytes);
    const messages = [{ ...message, check: 0x189f79e4 }];
    expect(asked(decodeMsgpackRequest(bytes, DEFAULT_LIMITS))).toEqual({
      ok: true,
      request: { op: "publish", ...head, messages },
    });
  });

  const lines = [...page.matchAll(/```json\n([^`]+)```/g)].flatMap(([, block]) => (block ?? "").trim().split("\n"));

  it.each(lines)("hold a frame that the codecs understand: %s", (line) => {
    const decoded = decodeRequest(utf8(line), DEFAULT_LIMITS);
    expect(decoded.ok || decodeHubFrame(line) !== undefined).toBe(true);
  });

  it("announce the default limits", () => {
    const welcome = lines.find((line) => line.includes('"welcome"')) ?? "";
    expect(JSON.parse(welcome)).toHaveProperty("limits", DEFAULT_LIMITS);
  });

  it("name no error code that isn't in the table", () => {
    const named = [...page.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code]) => code ?? "");
    const known = Object.keys(ERRORS);
    expect(named.filter((code) => !known.includes(code))).toEqual([]);
  });
});
