/** M: msgpack that nobody in his right mind sends, as frames of the binary dialect and as bodies of HTTP. */
import { Packr } from "msgpackr";
import type { Outcome } from "../case.js";
import { numbered, TOPIC, type HttpForm, type RequestCase, type RequestFields } from "../session.js";

type Entry = Omit<RequestCase, "id">;

const packr = new Packr({ useRecords: false, variableMapSize: true });
const pack = (value: unknown): Buffer => Buffer.from(packr.pack(value));
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");
const repeated = (byte: number, times: number, ...rest: Buffer[]): Buffer =>
  Buffer.concat([Buffer.alloc(times, byte), ...rest]);
const ping = (): Buffer => pack({ op: "ping", id: 7 });
const NIL = hex("c0");

/** A publish whose data is these bytes. */
const withData = (data: Buffer): Buffer =>
  withMore({ op: "publish", id: 7, topic: TOPIC }, Buffer.concat([hex("a464617461"), data]));
/** These fields and one member more, as bytes of name and value. */
const withMore = (fields: RequestFields, more: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0x81 + Object.keys(fields).length), pack(fields).subarray(1), more]);
/** A ping with one member more. */
const withMember = (name: Buffer, value: Buffer): Buffer =>
  withMore({ op: "ping", id: 7 }, Buffer.concat([name, value]));
const post = (body: Buffer, outcome?: Outcome): HttpForm => ({
  path: `/v1/topics/${TOPIC}/messages`,
  method: "POST",
  headers: { "Content-Type": "application/msgpack" },
  body,
  ...(outcome === undefined ? {} : { outcome }),
});

/** Ends the connection: 1007. */
const broken = (title: string, msgpack: Buffer): Entry => ({ title, outcome: "X bad_frame/1007", msgpack });
/** Ends the connection: 1008. */
const noRequest = (title: string, msgpack: Buffer): Entry => ({ title, outcome: "X bad_frame/1008", msgpack });
/** Data that is refused; as a body, too. */
const badData = (title: string, data: Buffer): Entry => ({
  title,
  outcome: "E bad_request",
  msgpack: withData(data),
  http: post(data),
});
/** Data that isn't msgpack at all: as a body it is a bad request. */
const brokenData = (title: string, data: Buffer): Entry => ({
  title,
  outcome: "X bad_frame/1007",
  msgpack: withData(data),
  http: post(data, "H400 bad_request"),
});
/** Data that is taken, and how JSON readers then see it. */
const taken = (title: string, data: Buffer, shown: string): Entry => ({
  title,
  outcome: "ok",
  msgpack: withData(data),
  http: post(data),
  stored: `"data":${shown}`,
});
const refusedFrame = (title: string, msgpack: Buffer, field: string): Entry => ({
  title,
  outcome: "E bad_request",
  msgpack,
  details: { field },
});
const refused = (title: string, request: RequestFields, field: string): Entry =>
  refusedFrame(title, pack({ id: 7, topic: TOPIC, ...request }), field);
/** Entries of a kind, from their titles and bytes. */
const each = (
  entry: (title: string, bytes: Buffer) => Entry,
  ...titled: readonly (readonly [title: string, digits: string])[]
): Entry[] => titled.map(([title, digits]) => entry(title, hex(digits)));

export const MSGPACK: readonly RequestCase[] = [
  ...numbered("J1", [
    noRequest("nil", NIL),
    ...each(
      noRequest,
      ["a number", "01"],
      ["a string", "a470696e67"],
      ["a list", "91a470696e67"],
      ["bytes", "c40101"],
      ["a timestamp", "d6ff00000000"],
    ),
  ]),
  ...numbered("M1", [
    ...each(
      broken,
      ["an array of 2^32 - 1", "ddffffffff"],
      ["a map of 2^32 - 1", "dfffffffff"],
      ["a string of 2^32 - 1", "dbffffffff"],
      ["bytes of 2^32 - 1", "c6ffffffff"],
      ["an extension of 2^32 - 1", "c9ffffffff01"],
      ["a map of 2^31", "df80000000"],
    ),
    broken("a member of 2^31 elements", withMember(hex("a178"), hex("dd80000000"))),
    brokenData("data of 2^32 - 1 bytes", hex("c6ffffffff")),
    brokenData("data of 2^32 - 1 elements", hex("ddffffffff")),
  ]),
  ...numbered("M2", [
    broken("100,000 arrays without end", repeated(0x91, 100_000)),
    noRequest("100,000 arrays with an end", repeated(0x91, 100_000, NIL)),
    broken("a million maps of one key each without end", Buffer.concat(Array<Buffer>(1_000_000).fill(hex("81c0")))),
    { title: "data 128 deep", outcome: "ok", msgpack: withData(repeated(0x91, 128, NIL)) },
    badData("data 129 deep", repeated(0x91, 129, NIL)),
    badData("data 100,000 deep", repeated(0x91, 100_000, NIL)),
    badData("an empty array at level 129", repeated(0x91, 128, hex("90"))),
  ]),
  ...numbered("M3", [
    ...[NIL, hex("cb7ff8000000000000"), hex("80"), hex("c40101"), hex("01"), hex("90")].map((key) =>
      refusedFrame(`a member named ${key.toString("hex")}`, withMember(key, NIL), "op"),
    ),
    {
      title: "a member named __proto__",
      outcome: "ok",
      msgpack: withMember(pack("__proto__"), pack({ admin: true })),
      reply: { op: "pong" },
    },
    { title: "a member named constructor", outcome: "ok", msgpack: withMember(pack("constructor"), NIL) },
    taken("__proto__ in data", hex("81 a9 5f5f70726f746f5f5f 81 a5 61646d696e c3"), `{"__proto__":{"admin":true}}`),
    taken("nil as a key in data", hex("81c001"), `{"null":1}`),
    taken("NaN as a key in data", hex("81cb7ff800000000000001"), `{"null":1}`),
    taken("a map as a key in data", hex("8181a1610101"), `{"{\\"a\\":1}":1}`),
    taken("bytes as a key in data", hex("81c4010101"), `{"{\\"$bytes\\":\\"AQ==\\"}":1}`),
    taken("a list as a key in data", hex("81910101"), `{"[1]":1}`),
    {
      title: "a header whose name is a number",
      outcome: "E bad_request",
      msgpack: pack({ op: "publish", id: 7, topic: TOPIC, data: 1, headers: new Map([[1, "v"]]) }),
      details: { field: "headers" },
    },
    {
      title: "a message of a batch with a member named by a number",
      outcome: "E bad_request",
      msgpack: pack({
        op: "publish",
        id: 7,
        topic: TOPIC,
        messages: [
          new Map<unknown, unknown>([
            ["data", 1],
            [1, 1],
          ]),
        ],
      }),
      details: { field: "messages", index: 0 },
    },
  ]),
  ...numbered("M4", [
    broken("the mark of a batch frame inside of a map", withMember(hex("a178"), hex("c1"))),
    broken("the same as a key", withMember(hex("c1"), NIL)),
    brokenData("the same in data", hex("92c1c1")),
  ]),
  ...numbered("M5", [
    ...each(
      badData,
      ["msgpackr's records", "d47205"],
      ["msgpackr's pointers", "d6700000000a"],
      ["an error object", "c7016590"],
      ["a set", "c7017390"],
      ["a regular expression", "c7017890"],
      ["an undefined of msgpackr", "d40000"],
      ["an extension deep inside", "9181a161d47205"],
    ),
    {
      title: "an extension as a header",
      outcome: "E bad_request",
      msgpack: withMore({ op: "publish", id: 7, topic: TOPIC, data: 1 }, hex("a768656164657273 81a161d47205")),
    },
    {
      title: "an extension as the window",
      outcome: "E bad_request",
      msgpack: withMore({ op: "subscribe", id: 7, topic: TOPIC }, hex("a677696e646f77 d40100")),
    },
  ]),
  ...numbered("M6", [
    {
      title: "10,000 definitions of record structures of msgpackr",
      outcome: "E bad_request",
      msgpack: withData(
        Buffer.concat([hex("dc2710"), ...Array.from({ length: 10_000 }, (_, n) => hex(`d472${hexOf(n % 64)}`))]),
      ),
    },
  ]),
  ...numbered("M7", [
    ...each(
      badData,
      ["a timestamp of 1 byte", "d4ff00"],
      ["a timestamp of 3 bytes", "c703ff000000"],
      ["a timestamp of 5 bytes", "c705ff0000000000"],
      ["a timestamp of 2^30 nanoseconds", "d7ffffffffff00000000"],
      ["a timestamp of 10^9 nanoseconds", "c70cff3b9aca000000000000000000"],
      ["a timestamp beyond the calendar", "c70cff000000007fffffffffffffff"],
      ["a timestamp before the calendar", "c70cff000000008000000000000000"],
    ),
    taken("the last timestamp of 32 bits", hex("d6ffffffffff"), `"2106-02-07T06:28:15.000Z"`),
    taken("a timestamp with nanoseconds", hex("d7ff 0000000400000000"), `"1970-01-01T00:00:00.000000001Z"`),
    taken("the last instant of the calendar", hex("c70cff 00000000 000007dba8218000"), `"+275760-09-13T00:00:00.000Z"`),
  ]),
  ...numbered("M8", [
    taken("2^64 - 1", hex("cfffffffffffffffff"), "18446744073709551615"),
    taken("-2^63", hex("d38000000000000000"), "-9223372036854775808"),
    taken("2^53 + 1", hex("cf0020000000000001"), "9007199254740993"),
    refused("a window of 2^64 - 1", { op: "subscribe", window: 2n ** 64n - 1n }, "window"),
    refused("a partition of -2^63", { op: "publish", data: 1, partition: -(2n ** 63n) }, "partition"),
  ]),
  ...numbered("M9", [
    broken("an operation that is no UTF-8", hex("82a26f70a2ff80a2696401")),
    broken("a topic of CESU-8", withMember(hex("a178"), hex("a6eda080edb080"))),
    ...each(
      brokenData,
      ["a surrogate in data", "a3eda080"],
      ["an overlong form in data", "a2c080"],
      ["a cut character at the end of a string", "a2f09f"],
      ["a name in data that is no UTF-8", "81a1ff01"],
    ),
  ]),
  ...numbered("M10", [
    {
      title: "op twice: the last one counts",
      outcome: "ok",
      msgpack: hex("83 a26f70 a173 a26964 01 a26f70 a470696e67"),
      reply: { op: "pong", id: 1 },
    },
    {
      title: "data twice: the last one counts",
      outcome: "ok",
      msgpack: withMore({ op: "publish", id: 7, topic: TOPIC, data: 1 }, hex("a46461746102")),
      stored: `"data":2`,
    },
    taken("a name twice inside of data: kept as it was sent", hex("82a16101a16102"), `{"a":1,"a":2}`),
  ]),
  ...numbered("M11", [
    broken("nothing at all", Buffer.alloc(0)),
    broken("a map and a byte", Buffer.concat([ping(), NIL])),
    broken("two maps", Buffer.concat([ping(), ping()])),
    broken("half a map", ping().subarray(0, 6)),
    brokenData("two values as data", hex("0101")),
    { title: "nothing as a body", outcome: "E bad_request", http: post(Buffer.alloc(0)) },
  ]),
  ...numbered("M12", [
    taken("NaN", hex("cb7ff8000000000000"), "null"),
    taken("infinity", hex("cb7ff0000000000000"), "null"),
    taken("-infinity in 32 bits", hex("caff800000"), "null"),
    taken("-0", hex("cb8000000000000000"), "-0"),
    ...[NaN, Infinity, -Infinity, -0.5].map((window) =>
      refused(`a window of ${window}`, { op: "subscribe", window }, "window"),
    ),
    ...[NaN, Infinity].map((partition) =>
      refused(`a partition of ${partition}`, { op: "publish", data: 1, partition }, "partition"),
    ),
    {
      title: "an offset of NaN",
      outcome: "E invalid_offset",
      msgpack: pack({ op: "subscribe", id: 7, topic: TOPIC, from: { offset: NaN } }),
    },
    refused(
      "a sequence of infinity",
      { op: "publish", data: 1, producer: { id: "p", sequence: Infinity } },
      "producer.sequence",
    ),
    refusedFrame("NaN as id", pack({ op: "ping", id: NaN }), "id"),
  ]),
  ...numbered("J12", [
    refused("bytes as topic", { op: "publish", data: 1, topic: Buffer.from(TOPIC) }, "topic"),
    refused("bytes as key", { op: "publish", data: 1, key: Buffer.of(1) }, "key"),
    refused("bytes as a header", { op: "publish", data: 1, headers: { a: Buffer.of(1) } }, "headers"),
    refused("a timestamp as from", { op: "subscribe", from: new Date(0) }, "from"),
    refused("a timestamp as until", { op: "subscribe", until: new Date(0) }, "until"),
    refused("a timestamp as the filter", { op: "subscribe", filter: new Date(0) }, "filter"),
    refused("bytes as positions", { op: "subscribe", from: { positions: Buffer.alloc(3) } }, "from"),
    refused("bytes as the producer", { op: "publish", data: 1, producer: Buffer.alloc(3) }, "producer.id"),
  ]),
  ...numbered("W10", [
    {
      title: "a frame over maxFrameBytes",
      outcome: "X too_large/1009",
      msgpack: repeated(0xc4, 4_194_305),
      details: { limit: 4_194_304 },
    },
  ]),
];

function hexOf(byte: number): string {
  return (byte + 0x40).toString(16);
}
