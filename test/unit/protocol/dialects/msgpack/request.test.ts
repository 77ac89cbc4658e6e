import { describe, expect, it } from "vitest";
import {
  CONTENT_TYPE,
  DEFAULT_LIMITS,
  NO_HEADERS,
  decodeHeaders,
  decodeMsgpackRequest,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
  payloadCheckOf,
  writePayload,
} from "@ringcast/protocol";
import type { ErrorFrame, NewMessage, PublishHead, PublishRequest, Request } from "@ringcast/protocol";

const decode = (frame: Uint8Array) => decodeMsgpackRequest(frame, DEFAULT_LIMITS);
const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function accepted(frame: Uint8Array): Request {
  const outcome = decode(frame);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.request;
}

function refused(frame: Uint8Array): ErrorFrame {
  const outcome = decode(frame);
  if (outcome.ok) throw new Error("it was accepted");
  expect(outcome.closeCode).toBeUndefined();
  return outcome.error;
}

/** A map of `op`, `id`, `topic` and one more member whose value is given in hex. */
function withMember(op: string, name: string, value: string): Uint8Array {
  const known = encodeMsgpack({ op, id: 1, topic: "t" }).subarray(1);
  return Uint8Array.from([0x84, ...known, ...encodeMsgpack(name), ...hex(value)]);
}

describe("frames that end the connection", () => {
  it.each([
    ["nothing", "", 1007],
    ["an array of 2^32 - 1 values that aren't there", "ddffffffff", 1007],
    ["a map of 2^32 - 1 members that aren't there", "dfffffffff", 1007],
    ["a text of 2^31 bytes that aren't there", "db80000000", 1007],
    ["bytes of 2^32 - 1 that aren't there", "c6ffffffff", 1007],
    ["0xC1 inside of a map", "81a26f70c1", 1007],
    ["text that isn't UTF-8", "81a26f70a1ff", 1007],
    ["two values", "8080", 1007],
    ["a map cut off", "82a26f70a470696e67", 1007],
    ["a text", "a470696e67", 1008],
    ["a list", "90", 1008],
    ["nil", "c0", 1008],
    ["a map without op", "80", 1008],
    ["an op that is a number", "81a26f7001", 1008],
  ])("%s", (_name, frame, closeCode) => {
    const outcome = decode(hex(frame));
    expect(outcome).toMatchObject({ ok: false, closeCode, error: { op: "error", code: "bad_frame" } });
    expect(outcome).not.toHaveProperty("error.id");
  });

  it("100,000 open lists are refused in linear time", () => {
    const frame = new Uint8Array(100_000).fill(0x91);
    decode(frame);
    const start = performance.now();
    expect(decode(frame)).toMatchObject({ closeCode: 1007 });
    expect(performance.now() - start).toBeLessThan(50);
  });
});

describe("publish as a map", () => {
  function message(fields: object): NewMessage {
    return (accepted(encodeMsgpack({ op: "publish", id: 1, topic: "t", ...fields })) as PublishRequest).messages[0]!;
  }

  it("stores data as it came, and bytes without their head", () => {
    const data = { n: 1, list: [true, null, new Date(5)], bytes: Uint8Array.of(1) };
    expect(message({ data })).toMatchObject({ contentType: CONTENT_TYPE.msgpack, data: encodeMsgpack(data) });
    expect(message({ data: null })).toMatchObject({ contentType: CONTENT_TYPE.msgpack, data: Uint8Array.of(0xc0) });
    for (const length of [0, 3, 300, 70_000]) {
      const bytes = new Uint8Array(length).fill(7);
      expect(message({ data: bytes })).toMatchObject({ contentType: CONTENT_TYPE.bytes, data: bytes });
    }
  });

  it("takes key, headers and many messages", () => {
    const { key, headers } = message({ data: 1, key: "é", headers: { a: "b", c: "" } });
    expect(new TextDecoder().decode(key)).toBe("é");
    expect(decodeHeaders(headers)).toEqual([
      ["a", "b"],
      ["c", ""],
    ]);
    const many = accepted(encodeMsgpack({ op: "publish", id: 1, topic: "t", messages: [{ data: 1 }, { data: "x" }] }));
    expect(many).toMatchObject({ batch: true, messages: [{ data: hex("01") }, { data: hex("a178") }] });
  });

  it.each([
    ["no data", "x", "01", "data"],
    ["129 levels", "data", `${"91".repeat(128)}90`, "data"],
    ["an extension of msgpackr's", "data", "d47200", "data"],
    ["an extension that holds a set", "data", "c7017390", "data"],
    ["a timestamp of 1 byte", "data", "d4ff00", "data"],
    ["a timestamp of 5 bytes", "data", "c705ff0000000000", "data"],
    ["a timestamp with a second of nanoseconds", "data", "d7ffee6b280000000000", "data"],
    ["a timestamp after the last day", "data", "c70cff000000007fffffffffffffff", "data"],
    ["a key that is bytes", "key", "c4016b", "key"],
    ["headers with a number as name", "headers", "8101a176", "headers"],
    ["messages that are no list", "messages", "80", "messages"],
    ["no messages", "messages", "90", "messages"],
    ["a message that is no map", "messages", "9101", "messages"],
    ["a message with a number as name", "messages", "918101a176", "messages"],
  ])("refuses %s", (_name, member, value, field) => {
    const frame =
      member === "key" || member === "headers" ? withData(member, value) : withMember("publish", member, value);
    expect(refused(frame)).toMatchObject({ id: 1, code: "bad_request", details: { field } });
  });

  function withData(name: string, value: string): Uint8Array {
    const frame = withMember("publish", name, value);
    return Uint8Array.from([0x85, ...frame.subarray(1), ...encodeMsgpack("data"), 1]);
  }

  it("takes 128 levels", () => {
    const deep = `${"91".repeat(127)}90`;
    expect(accepted(withMember("publish", "data", deep)).op).toBe("publish");
  });
});

describe("control requests", () => {
  it.each([
    ["a bigint as window", "window", "cfffffffffffffffff", "window"],
    ["NaN as window", "window", "cb7ff8000000000000", "window"],
    ["numbers as names of partitions", "from", "81a9706f736974696f6e738100c0", "from"],
    ["an extension as filter", "filter", "d47200", "data"],
  ])("refuse %s", (_name, member, value, field) => {
    expect(refused(withMember("subscribe", member, value))).toMatchObject({ code: "bad_request", details: { field } });
  });

  it("refuse names that aren't strings", () => {
    const frame = Uint8Array.from([0x84, ...encodeMsgpack({ op: "ping", id: 1, x: 0 }).subarray(1), 0xc0, 0xc0]);
    expect(refused(frame)).toMatchObject({ id: 1, code: "bad_request" });
  });

  it("take a topic of any name in a resume, and change no prototype", () => {
    const topics = { ["__proto__"]: { "0": { epoch: "e", offset: 1 } } };
    const request = accepted(encodeMsgpack({ op: "subscribe", id: 1, pattern: ">", from: { topics } }));
    expect(Object.keys((request as unknown as { from: { topics: object } }).from.topics)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["0"]).toBeUndefined();
  });
});

describe("publish frames", () => {
  const HEAD: PublishHead = {
    ...{ id: 5, topic: "orders", batch: true, count: 3, partition: undefined, producer: undefined },
    durability: undefined,
  };
  const json = (text: string): NewMessage => given(CONTENT_TYPE.json, utf8(text));
  const THREE = [json("1"), json('{"a":2}'), json("[3]")];

  function given(contentType: number, data: Uint8Array, rest: Partial<NewMessage> = {}): NewMessage {
    return { contentType, data, key: undefined, headers: NO_HEADERS, ...rest };
  }

  function frameOf(messages: readonly NewMessage[], head: Partial<PublishHead> = {}): Uint8Array {
    return encodePublishFrame({ ...HEAD, count: messages.length, ...head }, encodeRecords(messages));
  }

  /** The header takes 40 bytes: 32 and a topic of 6, filled up. */
  const RECORDS_AT = 40;

  it("are cut nowhere", () => {
    const frame = frameOf(THREE);
    for (let end = 1; end < frame.length; end++) {
      expect(decode(frame.subarray(0, end))).toMatchObject({ closeCode: 1007, error: { code: "bad_frame" } });
    }
  });

  it.each([
    ["kind 1", 1, 1, 1008],
    ["kind 9", 1, 9, 1008],
    ["a flag without a meaning", 6, 0x21, 1008],
    ["a reserved bit", 28, 1, 1008],
    ["a count too high by one", 24, 4, 1007],
    ["a count too low by one", 24, 2, 1007],
    ["a count of 2^32 - 1", 27, 0xff, 1007],
    ["a topic longer than the frame", 2, 255, 1007],
    ["a topic that isn't UTF-8", 32, 0xff, 1007],
    ["a record of length 0", RECORDS_AT + 4, 0, 1007],
    ["a record of length 7", RECORDS_AT + 4, 7, 1007],
    ["a filler", RECORDS_AT + 4, 57, 1007],
    ["a record of 2^31 bytes", RECORDS_AT + 7, 0x80, 1007],
    ["data beyond the record", RECORDS_AT + 36, 200, 1007],
    ["data of 2^31 bytes", RECORDS_AT + 39, 0x80, 1007],
  ])("with %s end the connection", (_name, at, byte, closeCode) => {
    const frame = frameOf(THREE);
    frame[at] = byte;
    expect(decode(frame)).toMatchObject({ closeCode, error: { code: "bad_frame" } });
  });

  it.each([
    ["a check of the hub's", 0, "messages"],
    ["an offset", 8, "messages"],
    ["a time", 16, "messages"],
    ["a flag of the hub's", 24, "messages"],
    ["a payload that was damaged", 48, "check"],
    ["a check that was damaged", 35, "check"],
    ["a content type that nobody knows", 44, "contentType"],
    ["a reserved bit", 46, "contentType"],
  ])("with %s in the last record are refused, naming it", (_name, at, field) => {
    const frame = frameOf(THREE);
    const place = frame.length - 56 + at;
    frame[place] = (frame[place] as number) ^ 8;
    expect(refused(frame)).toMatchObject({ id: 5, code: "bad_request", details: { field, index: 2 } });
  });

  const block = (...headers: [string, string][]): Uint8Array =>
    Uint8Array.from(headers.flatMap(([name, value]) => [name.length, value.length, 0, ...utf8(name), ...utf8(value)]));

  it.each<[string, NewMessage, string]>([
    ["JSON that is none", json("{"), "data"],
    ["JSON with white space around it", json(" 1"), "data"],
    ["JSON of 129 levels", json("[".repeat(129) + "]".repeat(129)), "data"],
    ["bytes in JSON that are no Base64", json('{"$bytes":"%"}'), "data"],
    ["no data as JSON", json(""), "data"],
    ["msgpack with a rest", given(CONTENT_TYPE.msgpack, hex("c0c0")), "data"],
    ["msgpack with an extension", given(CONTENT_TYPE.msgpack, hex("d47200")), "data"],
    ["text that isn't UTF-8", given(CONTENT_TYPE.text, hex("ff")), "data"],
    ["a key that isn't UTF-8", given(CONTENT_TYPE.bytes, hex("00"), { key: hex("ff") }), "key"],
    ["a key of 1,025 bytes", given(CONTENT_TYPE.bytes, hex("00"), { key: new Uint8Array(1_025) }), "key"],
    ["headers that end early", given(CONTENT_TYPE.bytes, hex("00"), { headers: hex("010200") }), "headers"],
    ["the hub's header", given(CONTENT_TYPE.bytes, hex("00"), { headers: block(["ringcast-x", "1"]) }), "headers"],
    ["a header without name", given(CONTENT_TYPE.bytes, hex("00"), { headers: block(["", "1"]) }), "headers"],
    ["a header twice", given(CONTENT_TYPE.bytes, hex("00"), { headers: block(["a", "1"], ["a", "2"]) }), "headers"],
    ["65 headers", given(CONTENT_TYPE.bytes, hex("00"), { headers: hex("01000061".repeat(65)) }), "headers"],
  ])("with %s are refused", (_name, message, field) => {
    expect(refused(frameOf([json("1"), message]))).toMatchObject({ code: "bad_request", details: { field, index: 1 } });
  });

  it("have limits as other publishes have", () => {
    const many = Array.from({ length: 10_001 }, () => json("1"));
    expect(refused(frameOf(many)).code).toBe("too_large");
    expect(refused(frameOf([given(CONTENT_TYPE.bytes, new Uint8Array(1_048_577))])).code).toBe("too_large");
    expect(refused(frameOf([]))).toMatchObject({ code: "bad_request", details: { field: "messages" } });
    expect(refused(frameOf(THREE, { batch: false }))).toMatchObject({ details: { field: "messages" } });
    expect(refused(frameOf(THREE, { topic: "a..b" })).code).toBe("invalid_topic");
    expect(refused(frameOf(THREE, { topic: "$hub.x" })).code).toBe("forbidden");
    expect(refused(frameOf(THREE, { partition: 1_024 }))).toMatchObject({ details: { field: "partition" } });
    expect(refused(frameOf(THREE, { producer: { id: "", sequence: 0 } }))).toMatchObject({
      details: { field: "producer.id" },
    });
    const outOfRange = refused(frameOf(THREE, { producer: { id: "p", sequence: 2 ** 53 } }));
    expect(outOfRange).toMatchObject({ id: 5, details: { field: "producer.sequence" } });
    expect(refused(frameOf(THREE, { id: 2 ** 53 }))).not.toHaveProperty("id");
  });

  it("keep the publisher's check, which is stored as it came", () => {
    const [message] = (accepted(frameOf([json('{"a":2}')])) as PublishRequest).messages as [NewMessage];
    const bytes = new Uint8Array(56);
    const view = new DataView(bytes.buffer);
    writePayload(bytes, view, 0, { ...message, check: 0x1234 }, new Uint8Array(0));
    expect(payloadCheckOf(view, 0)).toBe(0x1234);
    writePayload(bytes, view, 0, message, new Uint8Array(0));
    expect(payloadCheckOf(view, 0)).toBe(message.check);
  });
});
