import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  DEFAULT_LIMITS,
  KEY_AT,
  checkRecord,
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  decodeHeaders,
  decodeMsgpack,
  decodeMsgpackHubFrame,
  decodeMsgpackRequest,
  encodeMsgpack,
  hasKey,
  headersAtOf,
  hubCheckSeed,
  isHubPartIntact,
  isPayloadIntact,
  offsetOf,
  partitionOf,
  payloadCheckOf,
  timestampOf,
  writeMsgpackAsJson,
} from "@ringcast/protocol";
import type { MessagesFrame, PublishRequest } from "@ringcast/protocol";

interface Vectors {
  readonly records: readonly {
    readonly name: string;
    readonly hex: string;
    readonly epoch: string;
    readonly partition: number;
    readonly address: number;
    readonly offset: number;
    readonly timestamp: number;
    readonly contentType: number;
    readonly key?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly data: string;
    readonly payloadCheck: number;
    readonly hubCheck: number;
  }[];
  readonly frames: readonly {
    readonly name: string;
    readonly from: "hub" | "client";
    readonly hex: string;
    readonly meaning: Readonly<Record<string, unknown>>;
  }[];
  readonly refused: readonly {
    readonly name: string;
    readonly hex: string;
    readonly code: string;
    readonly closeCode?: number;
    readonly id?: number;
    readonly field?: string;
    readonly index?: number;
  }[];
  readonly msgpackToJson: readonly { readonly msgpack: string; readonly json: string }[];
  readonly partitions: readonly { readonly key: string; readonly partitions: number; readonly partition: number }[];
}

const vectors = JSON.parse(readFileSync(new URL("../../../protocol/vectors.json", import.meta.url), "utf8")) as Vectors;

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("the test vectors", () => {
  it.each(vectors.records)("hold a record: $name", (record) => {
    const bytes = bytesOf(record.hex);
    const view = new DataView(bytes.buffer);
    expect(checkRecord(view, 0, bytes.length)).toBe(bytes.length);
    expect(isPayloadIntact(view, 0)).toBe(true);
    expect(isHubPartIntact(view, 0, hubCheckSeed(record.epoch, record.partition), record.address)).toBe(true);
    const [headersAt, dataAt] = [headersAtOf(view, 0), dataAtOf(view, 0)];
    expect(record).toEqual({
      ...{ name: record.name, hex: record.hex, epoch: record.epoch, partition: record.partition },
      ...{ address: record.address, offset: offsetOf(view, 0), timestamp: timestampOf(view, 0) },
      contentType: contentTypeOf(view, 0),
      ...(hasKey(view, 0) ? { key: new TextDecoder().decode(bytes.subarray(KEY_AT, headersAt)) } : {}),
      ...(dataAt > headersAt ? { headers: Object.fromEntries(decodeHeaders(bytes, headersAt, dataAt) ?? []) } : {}),
      data: hexOf(bytes.subarray(dataAt, dataEndOf(view, 0))),
      payloadCheck: payloadCheckOf(view, 0) >>> 0,
      hubCheck: view.getUint32(0, true),
    });
  });

  it.each(vectors.frames)("hold a frame of the $from: $name", ({ hex, from, meaning }) => {
    const bytes = bytesOf(hex);
    const decoded = from === "hub" ? decodeMsgpackHubFrame(bytes) : decodeMsgpackRequest(bytes, DEFAULT_LIMITS);
    if (meaning["kind"] === 1) {
      const frame = decoded as MessagesFrame;
      const { subscription, topic, partition, epoch, next } = frame;
      const offsets = frame.messages.map(({ offset }) => offset);
      expect(meaning).toEqual({ kind: 1, subscription, topic, partition, epoch, next, offsets });
    } else if (meaning["kind"] === 2) {
      const { request } = decoded as unknown as { request: PublishRequest };
      const payloadChecks = request.messages.map(({ check = 0 }) => check >>> 0);
      expect({ ...request, kind: 2, payloadChecks }).toMatchObject(meaning);
    } else {
      expect(decodeMsgpack(bytes)).toEqual(meaning);
      expect(hexOf(encodeMsgpack(meaning))).toBe(hex);
    }
  });

  it.each(vectors.refused)("hold a frame that is refused: $name", ({ hex, code, closeCode, id, field, index }) => {
    const outcome = decodeMsgpackRequest(bytesOf(hex), DEFAULT_LIMITS);
    if (outcome.ok) throw new Error("it was accepted");
    const { error } = outcome;
    expect({ code: error.code, closeCode: outcome.closeCode, id: error.id }).toEqual({ code, closeCode, id });
    expect([error.details?.["field"], error.details?.["index"]]).toEqual([field, index]);
  });

  it.each(vectors.msgpackToJson)("hold $msgpack, which is $json to JSON readers", ({ msgpack, json }) => {
    const bytes = bytesOf(msgpack);
    const writer = new ByteWriter();
    expect(writeMsgpackAsJson(writer, bytes, 0, bytes.length)).toBe(true);
    expect(new TextDecoder().decode(writer.take())).toBe(json);
  });

  it.each(vectors.partitions)("put key $key into partition $partition of $partitions", (given) => {
    expect(partitionOf(new TextEncoder().encode(given.key), given.partitions)).toBe(given.partition);
  });
});
