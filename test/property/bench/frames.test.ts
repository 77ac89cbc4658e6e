import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, OPCODE, writeHead, type FrameHandler } from "../../../server/src/cli/bench/frames.js";

interface Frame {
  readonly opcode: number;
  readonly body: Uint8Array;
}

/** Bytes as text: comparing them one by one takes the runner longer than everything else. */
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const isData = ({ opcode }: Frame) => opcode < OPCODE.close;

const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(OPCODE.text, OPCODE.binary, OPCODE.ping, OPCODE.pong),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 130 }),
      fc.constantFrom(125, 126, 127, 5_000, 65_535, 65_536).map((length) => new Uint8Array(length).fill(length)),
    ),
  }),
  { maxLength: 8 },
);
/** Sizes of reads, over and over. */
const reads = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40_000 })), {
  minLength: 1,
});

/** Reads frames as a connection does: in pieces, what was left in front of what comes next. */
function readAll(bytes: Uint8Array, sizes: readonly number[], reader: FrameReader, handler: FrameHandler): number {
  let rest = 0;
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + (sizes[turn % sizes.length] as number));
    rest = end - reader.read(bytes, at - rest, end, handler);
    at = end;
  }
  return rest;
}

/** What a handler was told, with control frames apart. */
function recorder(skim: (body: Uint8Array) => boolean = () => false) {
  const messages: string[] = [];
  const controls: { opcode: number; body: string }[] = [];
  const handler: FrameHandler = {
    message: (bytes, start, end) => void messages.push(text(bytes.subarray(start, end))),
    skim: (bytes, start, end) => {
      const isTaken = skim(bytes.subarray(start, end));
      if (isTaken) messages.push(text(bytes.subarray(start, end)));
      return isTaken;
    },
    control: (opcode, bytes, start, end) => void controls.push({ opcode, body: text(bytes.subarray(start, end)) }),
    broken: (reason) => expect.fail(reason),
  };
  return { messages, controls, handler };
}

test("frames come whole and in order however the bytes are split", () => {
  fc.assert(
    fc.property(frames, reads, (sent, sizes) => {
      const { messages, controls, handler } = recorder();
      expect(readAll(Buffer.concat(sent.map(serverFrame)), sizes, new FrameReader(), handler)).toBe(0);
      const others = sent.filter((frame) => !isData(frame)).map(({ opcode, body }) => ({ opcode, body: text(body) }));
      expect(messages).toEqual(sent.filter(isData).map(({ body }) => text(body)));
      expect(controls).toEqual(others);
    }),
  );
});

test("a message whose beginning was enough comes once, and what follows it is found", () => {
  fc.assert(
    fc.property(frames, reads, (sent, sizes) => {
      const { messages, handler } = recorder((beginning) => beginning.length >= 10);
      expect(readAll(Buffer.concat(sent.map(serverFrame)), sizes, new FrameReader(), handler)).toBe(0);
      const bodies = sent.filter(isData).map(({ body }) => text(body));
      expect(messages.map((each) => each.slice(0, 10))).toEqual(bodies.map((body) => body.slice(0, 10)));
    }),
  );
});

test("frames that are taken in parts lose no byte", () => {
  fc.assert(
    fc.property(frames, reads, (sent, sizes) => {
      const { messages, handler } = recorder();
      const reader = new FrameReader({ takesParts: true });
      expect(readAll(Buffer.concat(sent.map(serverFrame)), sizes, reader, handler)).toBe(0);
      expect(messages.join("")).toBe(
        sent
          .filter(isData)
          .map(({ body }) => text(body))
          .join(""),
      );
    }),
  );
});

test("fragments make one message", () => {
  const { messages, handler } = recorder();
  const parts = [Uint8Array.from([0x01, 1, 65]), Uint8Array.from([0x89, 0]), Uint8Array.from([0x80, 1, 66])];
  readAll(Buffer.concat(parts), [2], new FrameReader(), handler);
  expect(messages).toEqual(["AB"]);
});

test("what the writer's head says is what the reader would read, but for the mask", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (length) => {
      const written = new Uint8Array(20).fill(0xff);
      const end = writeHead(written, 0, OPCODE.binary, length);
      const head = Buffer.from(serverHead(OPCODE.binary, length));
      head[1] = (head[1] as number) | 0x80;
      expect(text(written.subarray(0, end))).toBe(text(Buffer.concat([head, Buffer.alloc(4)])));
    }),
  );
});

function serverFrame({ opcode, body }: Frame): Uint8Array {
  return Buffer.concat([serverHead(opcode, body.length), body]);
}

function serverHead(opcode: number, length: number): Uint8Array {
  const head = Buffer.alloc(length < 126 ? 2 : length < 0x1_0000 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 0x1_0000 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
