/** B: batch frames that nobody in his right mind publishes. */
import { crc32 } from "node:zlib";
import { publishFrame, type RecordDraft } from "../../support/batch-frame.js";
import { askJson } from "../../support/http-request.js";
import { BinaryClient } from "../../support/binary-client.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { exchange, numbered, TOPIC, type RequestCase } from "../session.js";

type Entry = Omit<RequestCase, "id">;

const frameOf = (...records: RecordDraft[]): Buffer => publishFrame({ id: 7, topic: TOPIC, records });
const hex = (digits: string): Buffer => Buffer.from(digits, "hex");
/** Two records: a number, and a text with a key. */
const GOOD = frameOf({ data: "1" }, { data: `"x"`, key: "k" });
/** Behind the head of 32 bytes and the topic of 7, padded to 8. */
const RECORDS_AT = 40;
const FIRST_BYTES = 56;
/** Of the first record's payload: 48 bytes and one of data. */
const FIRST_PAYLOAD_END = RECORDS_AT + 49;

const patched = (at: number, digits: string, frame: Buffer = GOOD): Buffer => {
  const copy = Buffer.from(frame);
  hex(digits).copy(copy, at);
  return copy;
};
const flagged = (flags: number, frame: Buffer): Buffer => patched(6, flags.toString(16).padStart(2, "0"), frame);
/** The same with the check that its first record ought to have. */
const rechecked = (frame: Buffer): Buffer => {
  const [key, headers] = [frame.readUInt16LE(RECORDS_AT + 40), frame.readUInt16LE(RECORDS_AT + 42)];
  const end = RECORDS_AT + 48 + key + headers + frame.readUInt32LE(RECORDS_AT + 36);
  frame.writeUInt32LE(crc32(frame.subarray(RECORDS_AT + 36, end)), RECORDS_AT + 32);
  return frame;
};
/** A record with these bytes as its header block. */
const withHeaderBlock = (block: Buffer): Buffer => {
  const frame = frameOf({ data: "1", key: "k".repeat(block.length) });
  frame.writeUInt16LE(0, RECORDS_AT + 40);
  frame.writeUInt16LE(block.length, RECORDS_AT + 42);
  frame[RECORDS_AT + 45] = 0;
  block.copy(frame, RECORDS_AT + 48);
  return rechecked(frame);
};
const broken = (title: string, msgpack: Buffer): Entry => ({ title, outcome: "X bad_frame/1007", msgpack });
const unknown = (title: string, msgpack: Buffer): Entry => ({ title, outcome: "X bad_frame/1008", msgpack });
const refused = (title: string, msgpack: Buffer, details: object): Entry => ({
  title,
  outcome: "E bad_request",
  msgpack,
  details: { ...details },
});
const headersOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, "v"]));

export const BINARY_PUBLISH: readonly RequestCase[] = [
  ...numbered("B1", [
    broken("the mark alone", hex("c1")),
    broken("a topic that isn't there", patched(2, "ff")),
    broken("a producer that isn't there", patched(3, "ff")),
    broken("a topic that is no UTF-8", patched(32, "ff")),
    broken("a byte behind the records", Buffer.concat([GOOD, Buffer.of(0)])),
    broken("eight bytes behind the records", Buffer.concat([GOOD, Buffer.alloc(8)])),
  ]),
  ...numbered("B2", [
    unknown("a delivery", patched(1, "01")),
    ...["00", "03", "ff"].map((kind) => unknown(`kind ${kind}`, patched(1, kind))),
    ...["20", "40", "80"].map((flag) => unknown(`flag ${flag}`, patched(6, flag))),
    unknown("a flag of the upper byte", patched(7, "01")),
    unknown("a reserved byte that is set", patched(28, "01")),
    unknown("the last reserved byte", patched(31, "80")),
    refused("a producer without a name", flagged(1 + 2, GOOD), { field: "producer.id" }),
    refused("a sequence without a producer", patched(16, "01"), { field: "producer" }),
    refused("two levels of durability", flagged(1 + 8 + 16, GOOD), { field: "durability" }),
    refused("a partition without its flag", patched(4, "01"), { field: "partition" }),
    refused("partition 65,535", flagged(1 + 4, patched(4, "ffff")), { field: "partition" }),
    refused("an id of 2^64 - 1", patched(8, "ffffffffffffffff"), { field: "id" }),
    refused("an id of 2^53", patched(8, "0000000000002000"), { field: "id" }),
    refused(
      "a sequence of 2^64 - 1",
      patched(
        16,
        "ffffffffffffffff",
        publishFrame({ id: 7, topic: TOPIC, producer: { id: "p", sequence: 0 }, records: [{ data: "1" }] }),
      ),
      { field: "producer.sequence" },
    ),
  ]),
  ...numbered("B3", [
    ...[
      ["no bytes", "00000000"],
      ["7 bytes", "07000000"],
      ["40 bytes: less than its own head", "28000000"],
      ["48 bytes: less than it holds", "30000000"],
      ["64 bytes: it ends inside of the next", "40000000"],
      ["2^31 bytes", "00000080"],
      ["2^32 - 8 bytes", "f8ffffff"],
      ["all bytes of the frame and 8 more", "80000000"],
      ["57 bytes: a filler", "39000000"],
      ["a kind that nobody knows", "3a000000"],
    ].map(([title = "", length = ""]) => broken(`a record of ${title}`, patched(RECORDS_AT + 4, length))),
  ]),
  ...numbered("B4", [
    broken("data of 2^32 - 1 bytes", patched(RECORDS_AT + 36, "ffffffff")),
    broken("a key of 65,535 bytes", patched(RECORDS_AT + 40, "ffff")),
    broken("headers of 65,535 bytes", patched(RECORDS_AT + 42, "ffff")),
    broken("lengths that overflow 2^32 together", patched(RECORDS_AT + 36, "ffffffffffffffff")),
    broken("an offset whose upper half is beyond 2^53", patched(RECORDS_AT + 12, "ffffffff")),
    broken("a time whose upper half is beyond 2^53", patched(RECORDS_AT + 20, "00002000")),
  ]),
  ...numbered("B5", [
    refused("a wrong check in the first record", patched(RECORDS_AT + 32, "00000000"), { field: "check", index: 0 }),
    refused("a wrong check in the last record", patched(RECORDS_AT + FIRST_BYTES + 32, "00000000"), {
      field: "check",
      index: 1,
    }),
    refused("a changed byte of data", patched(RECORDS_AT + 48, "32"), { field: "check", index: 0 }),
    refused("a changed key", patched(RECORDS_AT + FIRST_BYTES + 48, "6a"), { field: "check", index: 1 }),
    refused("a content type that isn't the one checked", patched(RECORDS_AT + 44, "00"), { field: "check", index: 0 }),
  ]),
  ...numbered("B6", [
    ...[
      ["hub check", 0],
      ["offset", 8],
      ["time", 16],
      ["flag: more follows", 24],
      ["reserved byte", 28],
    ].map(([title, at]) =>
      refused(`a made-up ${title}`, patched(RECORDS_AT + Number(at), "01"), { field: "messages", index: 0 }),
    ),
    broken("a made-up producer part", patched(RECORDS_AT + 26, "08")),
  ]),
  ...numbered("B7", [
    broken("a count of 2^32 - 1", patched(24, "ffffffff")),
    broken("a count of one too many", patched(24, "03")),
    broken("a count of one too few", patched(24, "01")),
    broken("a count of 0 before records", patched(24, "00")),
    refused("no records", flagged(1, frameOf()), { field: "messages" }),
    refused("two records that are no batch", flagged(0, GOOD), { field: "messages" }),
    {
      title: "10,001 records",
      outcome: "E too_large",
      msgpack: frameOf(...Array<RecordDraft>(10_001).fill({ data: "1" })),
      details: { limit: 10_000 },
    },
  ]),
  ...numbered("B8", [
    broken("a filler behind the records", Buffer.concat([patched(24, "03"), hex("0000000009000000")])),
  ]),
  ...numbered("B9", [
    broken("a key longer than what is left", patched(RECORDS_AT + FIRST_BYTES + 40, "10")),
    broken("data shorter than what is left", patched(RECORDS_AT + 36, "01", frameOf({ data: "1".repeat(40) }))),
    broken("a key without its attribute", patched(RECORDS_AT + FIRST_BYTES + 45, "00")),
    refused("attributes that nobody knows", patched(RECORDS_AT + 45, "02"), { field: "contentType", index: 0 }),
    refused("a reserved byte of the record", patched(RECORDS_AT + 46, "01"), { field: "contentType", index: 0 }),
    refused("padding of a record that isn't zero", patched(FIRST_PAYLOAD_END, "01"), { field: "messages", index: 0 }),
    unknown("padding of the head that isn't zero", patched(RECORDS_AT - 1, "01")),
    refused("a header block that isn't whole", withHeaderBlock(hex("ff0000")), { field: "headers", index: 0 }),
    refused("a header twice", withHeaderBlock(hex("0100006101000061")), { field: "headers", index: 0 }),
    refused("a header that is no UTF-8", withHeaderBlock(hex("010000ff")), { field: "headers", index: 0 }),
  ]),
  ...numbered("B10", [
    ...[
      ["half an object", "{"],
      ["nothing", ""],
      ["white space around it", " 1"],
      ["two values", "1 2"],
      ["129 levels", "[".repeat(129) + "]".repeat(129)],
      ["bad base64", `{"$bytes":"%%%"}`],
      ["no UTF-8", hex("22ff22")],
    ].map(([title, data = ""]) =>
      refused(`JSON that is ${String(title)}`, frameOf({ data }), { field: "data", index: 0 }),
    ),
    ...[
      ["half an array", "91"],
      ["nothing", ""],
      ["two values", "0101"],
      ["200 levels", "91".repeat(200) + "c0"],
      ["msgpackr's records", "d47205"],
      ["the mark of a batch frame", "c1"],
    ].map(([title, data = ""]) =>
      refused(`msgpack that is ${title}`, frameOf({ type: 2, data: hex(data) }), { field: "data", index: 0 }),
    ),
    refused("text that is no UTF-8", frameOf({ type: 3, data: hex("ff") }), { field: "data", index: 0 }),
    ...[4, 255].map((type) => refused(`content type ${type}`, frameOf({ type, data: "1" }), { field: "contentType" })),
    {
      title: "bytes that are anything",
      outcome: "ok",
      msgpack: frameOf({ type: 0, data: hex("ff00c1") }),
      stored: `"data":{"$bytes":"/wDB"}`,
    },
  ]),
  ...numbered("B11", [
    {
      title: "a record over maxMessageBytes",
      outcome: "E too_large",
      msgpack: frameOf({ type: 0, data: Buffer.alloc(1_048_577) }),
      details: { limit: 1_048_576, index: 0 },
    },
    ...[16_384, 65_536].map((bytes) => ({
      title: `a record of ${bytes} bytes in a ring of 65,536`,
      outcome: "E too_large" as const,
      msgpack: async (_client: unknown, { hub }: Scene): Promise<Uint8Array> => {
        await askJson(hub, "PUT", `/v1/topics/${TOPIC}`, { capacityBytes: 65_536 });
        return frameOf({ type: 0, data: Buffer.alloc(bytes) });
      },
      details: { limit: 16_384 },
    })),
  ]),
  ...numbered("J22", [
    refused("65 headers", frameOf({ data: "1", headers: headersOf(65) }), { field: "headers", index: 0 }),
    refused("a header of the hub's", frameOf({ data: "1", headers: { "ringcast-x": "1" } }), { field: "headers" }),
    refused("a header without name", frameOf({ data: "1", headers: { "": "1" } }), { field: "headers" }),
    refused("a line end in a header's name", frameOf({ data: "1", headers: { "a\n": "1" } }), { field: "headers" }),
  ]),
  ...numbered("J23", [
    refused("a key of 1,025 bytes", frameOf({ data: "1", key: "k".repeat(1_025) }), { field: "key", index: 0 }),
    refused("a key that is no UTF-8", rechecked(patched(RECORDS_AT + 48, "ff", frameOf({ data: "1", key: "k" }))), {
      field: "key",
    }),
  ]),
  ...numbered("J24", [
    {
      title: "a producer id of 129 bytes",
      outcome: "E bad_request",
      msgpack: publishFrame({
        id: 7,
        topic: TOPIC,
        producer: { id: "p".repeat(129), sequence: 0 },
        records: [{ data: "1" }],
      }),
      details: { field: "producer.id" },
    },
    {
      title: "a producer that doesn't begin at 0",
      outcome: "E out_of_sequence",
      msgpack: publishFrame({ id: 7, topic: TOPIC, producer: { id: "p", sequence: 1 }, records: [{ data: "1" }] }),
      details: { expected: 0 },
    },
  ]),
  ...numbered("W10", [
    {
      title: "a frame over maxFrameBytes",
      outcome: "X too_large/1009",
      msgpack: Buffer.alloc(4_194_305, 0xc1),
      details: { limit: 4_194_304 },
    },
  ]),
];

/** What is looked at byte by byte: one row each, since all of it has one outcome. */
export const BINARY_SWEEPS: readonly HostileCase[] = [
  {
    id: "B1",
    title: "a frame cut off at each of its bytes",
    outcome: "X bad_frame/1007",
    meet: (scene) =>
      sameFor(
        scene,
        Array.from({ length: GOOD.length - 1 }, (_, length) => GOOD.subarray(0, length + 1)),
      ),
  },
  {
    id: "B5",
    title: "one bit wrong in the record, at each of its bytes: never taken",
    outcome: "E bad_request",
    meet: async (scene) => {
      const frames = Array.from({ length: FIRST_PAYLOAD_END - RECORDS_AT }, (_, at) => {
        const place = RECORDS_AT + at;
        return patched(place, ((GOOD[place] ?? 0) ^ (1 << (at % 8))).toString(16).padStart(2, "0"));
      });
      const outcomes = await outcomesOf(scene, frames);
      return (
        outcomes.find((outcome) => outcome !== "X bad_frame/1007" && outcome !== "E bad_request") ?? "E bad_request"
      );
    },
  },
];

async function outcomesOf(scene: Scene, frames: readonly Uint8Array[]): Promise<Outcome[]> {
  return Promise.all(
    frames.map(async (frame) => {
      await using client = await BinaryClient.connect(scene.hub.wsUrl);
      return (await exchange(scene, client, frame)).outcome;
    }),
  );
}

/** The one outcome of all; any other where there is one. */
async function sameFor(scene: Scene, frames: readonly Uint8Array[]): Promise<Outcome> {
  const outcomes = await outcomesOf(scene, frames);
  return outcomes.find((outcome) => outcome !== outcomes[0]) ?? (outcomes[0] as Outcome);
}
