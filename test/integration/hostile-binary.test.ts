/** Frames of the binary dialect that nobody in his right mind sends: the right answer, nobody else affected, nothing stored, no memory kept. */
import { readFileSync } from "node:fs";
import { Packr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishFrame, type RecordDraft } from "../support/batch-frame.js";
import { BinaryClient } from "../support/binary-client.js";
import { startHub, type TestHub } from "../support/hub.js";

const TOPIC = "hostile";
const packr = new Packr({ useRecords: false, variableMapSize: true });
const GOOD = publishFrame({ id: 7, topic: TOPIC, records: [{ data: "1" }, { data: `"x"`, key: "k" }] });
/** Topic of 7 bytes, padded to 8. */
const RECORDS_AT = 40;
/** The first record without the zeros that fill it up. */
const FIRST_BYTES = 48 + 1;

let hub: TestHub;
let bystander: BinaryClient;
let subscription: number;
beforeAll(async () => {
  hub = await startHub();
  bystander = await BinaryClient.connect(hub.wsUrl);
  ({ subscription } = await bystander.request({ op: "subscribe", topic: "bystander" }));
});
afterAll(async () => {
  await bystander[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

describe("a binary frame that can't be understood", () => {
  const map = (fields: object): Buffer => packr.pack(fields);
  it.each<[string, Buffer, number]>([
    ["nothing", Buffer.alloc(0), 1007],
    ["half a map", map({ op: "ping", id: 1 }).subarray(0, 6), 1007],
    ["a map and one byte", Buffer.concat([map({ op: "ping", id: 1 }), Buffer.of(0xc0)]), 1007],
    ["two maps", Buffer.concat([map({ op: "ping", id: 1 }), map({ op: "ping", id: 2 })]), 1007],
    ["an array of 2^32 - 1", hex("ddffffffff"), 1007],
    ["a map of 2^32 - 1", hex("dfffffffff"), 1007],
    ["a string of 2^32 - 1", hex("dbffffffff"), 1007],
    ["bytes of 2^32 - 1", hex("c6ffffffff"), 1007],
    ["an extension of 2^32 - 1", hex("c9ffffffff01"), 1007],
    ["a field of 2^31 elements", hex("82a26f70a470696e67a26964dd80000000"), 1007],
    ["100,000 arrays without end", Buffer.alloc(100_000, 0x91), 1007],
    ["100,000 arrays with an end", Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.of(0xc0)]), 1008],
    ["the mark of a batch frame inside a map", hex("82a26f70a470696e67a26964c1"), 1007],
    ["an operation that is no UTF-8", hex("82a26f70a2ff80a2696401"), 1007],
    ["nil", hex("c0"), 1008],
    ["a number", hex("01"), 1008],
    ["a string", hex("a470696e67"), 1008],
    ["a list", hex("91a470696e67"), 1008],
    ["no op", map({ id: 1 }), 1008],
    ["an op that is no string", map({ op: 1, id: 1 }), 1008],
    ["a delivery", changed(1, 1), 1008],
    ["a batch of an unknown kind", changed(1, 9), 1008],
    ["an unknown flag", changed(7, 0x80), 1008],
    ["a reserved byte that is set", changed(28, 1), 1008],
    ["a count of one too many", changed(24, 3), 1007],
    ["a count of one too few", changed(24, 1), 1007],
    ["a count of 2^32 - 1", patched(24, "ffffffff"), 1007],
    ["a count of 0 before records", changed(24, 0), 1007],
    ["a record of no bytes", patched(RECORDS_AT + 4, "00000000"), 1007],
    ["a record of 7 bytes", patched(RECORDS_AT + 4, "07000000"), 1007],
    ["a record shorter than its own head", patched(RECORDS_AT + 4, "28000000"), 1007],
    ["a record of 2^31 bytes", patched(RECORDS_AT + 4, "00000080"), 1007],
    ["a record of 2^32 - 8 bytes", patched(RECORDS_AT + 4, "f8ffffff"), 1007],
    ["a record that ends inside another", patched(RECORDS_AT + 4, "50000000"), 1007],
    ["a filler", patched(RECORDS_AT + 4, "39000000"), 1007],
    ["data beyond the record", patched(RECORDS_AT + 36, "ffffffff"), 1007],
    ["a key beyond the record", patched(RECORDS_AT + 40, "ffff"), 1007],
    ["headers beyond the record", patched(RECORDS_AT + 42, "ffff"), 1007],
    ["a producer part beyond the record", patched(RECORDS_AT + 26, "08"), 1007],
    ["lengths that overflow", patched(RECORDS_AT + 36, "ffffffffffffffff"), 1007],
    ["a last record that is cut off", GOOD.subarray(0, GOOD.length - 8), 1007],
    ["a byte behind the records", Buffer.concat([GOOD, Buffer.of(0)]), 1007],
    ["a topic that isn't there", changed(2, 255), 1007],
    ["a topic that is no UTF-8", changed(32, 0xff), 1007],
  ])("(%s) is told and ends the connection", async (_name, frame, code) => {
    expect(await outcomeOf(frame)).toEqual({ code: "bad_frame", closeCode: code });
  });

  it("(cut off at any byte) is told and ends the connection", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: GOOD.length - 1 }, (_, length) => outcomeOf(GOOD.subarray(0, length + 1))),
    );

    expect(new Set(outcomes.map(({ code, closeCode }) => `${code} ${closeCode}`))).toEqual(new Set(["bad_frame 1007"]));
  });

  it("(text) is told in the binary dialect and ends the connection", async () => {
    await using client = await BinaryClient.connect(hub.wsUrl);

    client.socket.send(`{"op":"ping","id":1}`);

    expect(await client.next()).toMatchObject({ op: "error", code: "bad_frame" });
    expect((await client.closed).code).toBe(1008);
  });

  it("(over maxFrameBytes) is told and ends the connection with 1009", async () => {
    expect(await outcomeOf(Buffer.alloc(4_194_305, 0xc1))).toEqual({ code: "too_large", closeCode: 1009 });
  });
});

describe("a binary request that is refused", () => {
  const ask = (fields: object): Buffer => packr.pack({ op: "publish", id: 7, topic: TOPIC, ...fields });
  /** A publish whose data is these bytes. */
  const withData = (bytes: Buffer): Buffer => Buffer.concat([hex("84"), ask({}).subarray(1), hex("a464617461"), bytes]);
  const frame = (...records: RecordDraft[]): Buffer => publishFrame({ id: 7, topic: TOPIC, records });
  const flagged = (flags: number, bytes: Buffer = frame({ data: "1" })): Buffer => {
    bytes.writeUInt16LE(flags, 6);
    return bytes;
  };
  it.each<[string, Buffer, string]>([
    ["data 129 deep", withData(Buffer.concat([Buffer.alloc(129, 0x91), hex("c0")])), "bad_request"],
    ["data 100,000 deep", withData(Buffer.concat([Buffer.alloc(100_000, 0x91), hex("c0")])), "bad_request"],
    ["msgpackr's records", withData(hex("d47205")), "bad_request"],
    ["msgpackr's pointers", withData(hex("d6700000000a")), "bad_request"],
    ["an error object", withData(hex("c7016590")), "bad_request"],
    ["a regular expression", withData(hex("c7017890")), "bad_request"],
    ["a timestamp of 3 bytes", withData(hex("c703ff000000")), "bad_request"],
    ["a timestamp with 2^30 nanoseconds", withData(hex("d7ffffffffff00000000")), "bad_request"],
    ["a field named by a number", packr.pack(new Map<unknown, unknown>([...entries(), [1, 1]])), "bad_request"],
    ["NaN as partition", ask({ data: 1, partition: NaN }), "bad_request"],
    ["infinity as sequence", ask({ data: 1, producer: { id: "p", sequence: Infinity } }), "bad_request"],
    [
      "a window of 2^64 - 1",
      packr.pack({ op: "subscribe", id: 7, topic: TOPIC, window: 2n ** 64n - 1n }),
      "bad_request",
    ],
    ["bytes as key", ask({ data: 1, key: Buffer.of(1) }), "bad_request"],
    ["bytes as topic", packr.pack({ op: "publish", id: 7, topic: Buffer.from(TOPIC), data: 1 }), "bad_request"],
    ["a record that isn't JSON", frame({ data: "{" }), "bad_request"],
    ["a record of no JSON at all", frame({ data: "" }), "bad_request"],
    ["a record of deep JSON", frame({ data: "[".repeat(129) + "]".repeat(129) }), "bad_request"],
    ["a record that isn't msgpack", frame({ type: 2, data: hex("91") }), "bad_request"],
    ["a record of two msgpack values", frame({ type: 2, data: hex("0101") }), "bad_request"],
    ["a record of deep msgpack", frame({ type: 2, data: Buffer.alloc(200, 0x91) }), "bad_request"],
    ["a record of foreign msgpack", frame({ type: 2, data: hex("d47205") }), "bad_request"],
    ["text that is no UTF-8", frame({ type: 3, data: hex("ff") }), "bad_request"],
    ["an unknown content type", frame({ type: 4, data: "1" }), "bad_request"],
    ["a long key", frame({ data: "1", key: "k".repeat(1_025) }), "bad_request"],
    ["the hub's header", frame({ data: "1", headers: { "ringcast-x": "1" } }), "bad_request"],
    ["65 headers", frame({ data: "1", headers: headers(65) }), "bad_request"],
    ["a record over maxMessageBytes", frame({ type: 0, data: Buffer.alloc(1_048_577) }), "too_large"],
    ["10,001 records", frame(...new Array<RecordDraft>(10_001).fill({ data: "1" })), "too_large"],
    ["no records", flagged(1, frame()), "bad_request"],
    ["two records that are no batch", flagged(0, Buffer.from(GOOD)), "bad_request"],
    ["a producer without a name", flagged(2), "bad_request"],
    ["two levels of durability", flagged(8 + 16), "bad_request"],
    ["a partition without its flag", patchedOf(frame({ data: "1" }), 4, "0100"), "bad_request"],
    ["a made-up offset", patched(RECORDS_AT + 8, "01"), "bad_request"],
    ["a made-up time", patched(RECORDS_AT + 16, "01"), "bad_request"],
    ["a made-up flag", patched(RECORDS_AT + 24, "01"), "bad_request"],
    ["a made-up hub check", patched(RECORDS_AT, "01"), "bad_request"],
    ["no topic", publishFrame({ id: 7, topic: "", records: [{ data: "1" }] }), "invalid_topic"],
    ["a path as topic", publishFrame({ id: 7, topic: "../../x", records: [{ data: "1" }] }), "invalid_topic"],
    ["a pattern as topic", publishFrame({ id: 7, topic: "a.*", records: [{ data: "1" }] }), "invalid_topic"],
    ["the hub's topic", publishFrame({ id: 7, topic: "$hub.x", records: [{ data: "1" }] }), "forbidden"],
  ])("(%s) is answered and leaves the connection open", async (_name, request, code) => {
    await using client = await BinaryClient.connect(hub.wsUrl);

    client.send(request);

    expect(await client.next()).toMatchObject({ op: "error", id: 7, code });
    expect((await client.request({ op: "ping" })).op).toBe("pong");
  });

  it("(with an id beyond 2^53) is answered without one", async () => {
    bystander.send(patched(8, "ffffffffffffffff"));
    const error = await bystander.next();

    expect(error).toMatchObject({ op: "error", code: "bad_request", details: { field: "id" } });
    expect(error).not.toHaveProperty("id");
  });

  it("(one bit of a record is wrong, whichever) is never stored", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: FIRST_BYTES }, (_, at) => {
        const frame = Buffer.from(GOOD);
        frame[RECORDS_AT + at] = (frame[RECORDS_AT + at] ?? 0) ^ (1 << (at % 8));
        return outcomeOf(frame);
      }),
    );

    expect(outcomes.map(({ code }) => code).filter((code) => code !== "bad_frame" && code !== "bad_request")).toEqual(
      [],
    );
  });
});

describe("all of it", () => {
  it("stores nothing and reaches nobody", async () => {
    expect((await bystander.request({ op: "topic", topic: TOPIC })).code).toBe("unknown_topic");

    await bystander.publish({ topic: "bystander", records: [{ data: "1" }] });
    const [delivered, ...others] = [await bystander.nextOf("messages"), ...bystander.waiting];

    expect(delivered).toMatchObject({ subscription, next: 1, messages: [{ offset: 0, data: 1 }] });
    expect(others).toEqual([]);
  });

  it("a thousand times keeps no memory", { timeout: 60_000 }, async () => {
    const hostile = ["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01"].map(hex);
    hostile.push(patched(24, "ffffffff"), patched(RECORDS_AT + 4, "f8ffffff"), Buffer.alloc(100_000, 0x91));
    const round = async (): Promise<void> => {
      for (let n = 0; n < 15; n++) await Promise.all(hostile.map(outcomeOf));
    };

    await round();
    const before = residentKib(hub.pid);
    for (let n = 0; n < 8; n++) await round();

    expect(residentKib(hub.pid) - before).toBeLessThan(32 * 1_024);
    expect((await bystander.request({ op: "ping" })).op).toBe("pong");
  });
});

/** What a frame leads to: the error's code, and how the connection ended, if it did. */
async function outcomeOf(frame: Buffer): Promise<{ code: string | undefined; closeCode: number | undefined }> {
  await using client = await BinaryClient.connect(hub.wsUrl);
  client.send(frame);
  const { op, code } = await client.next();
  if (op !== "error" || code === "bad_request") return { code: op === "error" ? code : op, closeCode: undefined };
  return { code, closeCode: (await client.closed).code };
}

function changed(at: number, byte: number): Buffer {
  return patchedOf(GOOD, at, byte.toString(16).padStart(2, "0"));
}

function patched(at: number, bytes: string): Buffer {
  return patchedOf(GOOD, at, bytes);
}

function patchedOf(frame: Buffer, at: number, bytes: string): Buffer {
  const copy = Buffer.from(frame);
  hex(bytes).copy(copy, at);
  return copy;
}

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

function entries(): [string, unknown][] {
  return Object.entries({ op: "publish", id: 7, topic: TOPIC, data: 1 });
}

function headers(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, "v"]));
}

/** Memory of its own that a process has. */
function residentKib(pid: number): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
