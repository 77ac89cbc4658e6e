import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  CONTENT_TYPE,
  NO_HEADERS,
  NO_PRODUCER,
  encodeHeaders,
  recordSize,
  writeMessage,
  writeMessageSeparator,
  writeMessagesEnd,
  writeMessagesHead,
  writeRecord,
} from "@ringcast/protocol";
import type { NewMessage } from "@ringcast/protocol";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function message(fields: Partial<NewMessage>): NewMessage {
  return { contentType: CONTENT_TYPE.json, data: bytes("null"), key: undefined, headers: NO_HEADERS, ...fields };
}

function written(given: NewMessage, partition?: number): string {
  const memory = new Uint8Array(recordSize(given));
  const view = new DataView(memory.buffer);
  const stamp = { offset: 2 ** 53 - 1, timestamp: 1763600000000, flags: 0, seed: 1, address: 0, producer: NO_PRODUCER };
  writeRecord(memory, view, 0, given, stamp);
  const writer = new ByteWriter(1);
  writeMessage(writer, memory, view, 0, partition);
  return new TextDecoder().decode(writer.take());
}

describe("writeMessage", () => {
  it("splices JSON data in as it is", () => {
    expect(written(message({ data: bytes('{ "a": 9007199254740993 }') }))).toBe(
      '{"offset":9007199254740991,"timestamp":1763600000000,"data":{ "a": 9007199254740993 }}',
    );
  });

  it("writes partition, key and headers where there are any", () => {
    const given = message({ key: bytes(""), headers: encodeHeaders({ 'a"': "b\n", c: "" }) });
    expect(written(given, 0)).toBe(
      '{"offset":9007199254740991,"timestamp":1763600000000,"partition":0,"key":"","headers":{"a\\"":"b\\n","c":""},"data":null}',
    );
  });

  it.each([
    ["text", CONTENT_TYPE.text, bytes('a"\\\n\r\t\u0001\u007fé😀'), 'a"\\\n\r\t\u0001\u007fé😀'],
    ["text that isn't UTF-8", CONTENT_TYPE.text, Uint8Array.of(0x61, 0xff, 0xe2, 0x82, 0x62), "a\ufffd\ufffdb"],
    ["bytes", CONTENT_TYPE.bytes, Uint8Array.of(1, 2, 3, 255), { $bytes: "AQID/w==" }],
    ["msgpack", CONTENT_TYPE.msgpack, Uint8Array.of(0x81, 0xa1, 0x61, 0xc0), { a: null }],
    [
      "what should be msgpack",
      CONTENT_TYPE.msgpack,
      Uint8Array.of(0xc0, 0xc0),
      { $error: "this data is not msgpack, although it was stored as such" },
    ],
    [
      "what has no form in JSON",
      9,
      Uint8Array.of(0xc0),
      { $error: "this data has content type 9, which has no form in JSON" },
    ],
  ])("shows %s", (_, contentType, data, value) => {
    expect(JSON.parse(written(message({ contentType, data })))).toHaveProperty("data", value);
  });
});

describe("a messages frame", () => {
  it("is put together of head, messages and end", () => {
    const writer = new ByteWriter();
    writeMessagesHead(writer, { subscription: 7, topic: "größe.a", partition: 1, epoch: "e", next: 45 });
    writer.json({ offset: 43 });
    writeMessageSeparator(writer);
    writer.json({ offset: 44 });
    writeMessagesEnd(writer);
    expect(JSON.parse(new TextDecoder().decode(writer.take()))).toEqual({
      op: "messages",
      subscription: 7,
      topic: "größe.a",
      partition: 1,
      epoch: "e",
      next: 45,
      messages: [{ offset: 43 }, { offset: 44 }],
    });
  });
});

describe("ByteWriter", () => {
  it.each([0, 9, 10, 99, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 21474836470, 10 ** 15, 2 ** 53 - 1])(
    "writes %i in digits",
    (value) => {
      const writer = new ByteWriter(1);
      writer.integer(value);
      expect(new TextDecoder().decode(writer.take())).toBe(`${value}`);
    },
  );

  it("gives back memory that it grew beyond its needs", () => {
    const writer = new ByteWriter();
    writer.copy(new Uint8Array(2_000_000));
    expect(writer.bytes.length).toBeGreaterThanOrEqual(2_000_000);
    writer.clear();
    expect([writer.length, writer.bytes.length]).toEqual([0, 1_024]);
  });
});
