import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { TransportName } from "../../../server/src/transport/index.js";
import { until, within } from "../../support/until.js";
import { dialWebSocket, maskedFrame, readFrames } from "../../support/raw-client.js";
import { frameOf, MAX_FRAME_BYTES, openRig } from "./rig.js";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export function webSocketSuite(name: TransportName): void {
  describe("a handshake", () => {
    it("opens a socket and echoes the subprotocol that the application chose", async () => {
      await using rig = await openRig(name);
      rig.answer = () => rig.accept("b");
      const client = await open(rig.wsUrl, ["a", "b"]);
      expect(client.protocol).toBe("b");
      expect(rig.handshakes[0]?.subprotocols).toEqual(["a", "b"]);
      expect(rig.handshakes[0]?.path).toBe("/v1/ws");
      expect((await rig.socket()).socket.remoteAddress).toBe("127.0.0.1");
    });

    it("echoes no subprotocol when the application chose none, whatever was offered", async () => {
      await using rig = await openRig(name);
      rig.answer = () => rig.accept(undefined);
      const client = new WebSocket(rig.wsUrl, ["bearer.secret"]);
      const [error] = await Promise.all([failure(client), rig.socket()]);
      // ws demands an echo, as browsers don't; that it complains shows that there was none.
      expect(error).toMatch(/no subprotocol/i);
    });

    it("is refused with the status, headers and body of the application", async () => {
      await using rig = await openRig(name);
      rig.answer = () => ({ accept: false, status: 403, headers: { "X-Why": "origin" }, body: "not from there" });
      const client = new WebSocket(rig.wsUrl);
      const response = await new Promise<{ status: number | undefined; why: unknown; body: string }>((resolve) => {
        client.on("unexpected-response", (_request, answer) => {
          let body = "";
          answer.on("data", (piece: Buffer) => (body += piece.toString()));
          answer.on("end", () => resolve({ status: answer.statusCode, why: answer.headers["x-why"], body }));
        });
      });
      expect(response).toEqual({ status: 403, why: "origin", body: "not from there" });
      expect(rig.sockets).toHaveLength(0);
    });
  });

  describe("messages in", () => {
    it("come whole and of their kind, whatever their size and fragments", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const big = Buffer.alloc(MAX_FRAME_BYTES, 7);
      client.send("text é");
      client.send(Buffer.from([1, 2, 3]));
      client.send(big);
      client.send("");
      client.send("frag", { fin: false });
      client.send("ment", { fin: false });
      client.send("ed", { fin: true });
      const told = await rig.socket();
      await until("all have come", () => told.messages.length === 5);
      expect(told.messages.map((message) => message.binary)).toEqual([false, true, true, false, false]);
      expect(told.messages[0]?.bytes.toString()).toBe("text é");
      expect(told.messages[2]?.bytes.equals(big)).toBe(true);
      expect(told.messages[3]?.bytes).toHaveLength(0);
      expect(told.messages[4]?.bytes.toString()).toBe("fragmented");
    });

    it("are told as oversized just over the limit, and the connection lives on", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      client.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
      client.send(Buffer.alloc(60_000), { fin: false });
      client.send(Buffer.alloc(60_000), { fin: true });
      client.send("still here");
      const told = await rig.socket();
      await until("the last has come", () => told.messages.length === 1);
      expect(told.oversizeds).toBe(2);
      expect(told.messages[0]?.bytes.toString()).toBe("still here");
    });

    it.each([
      [
        "far over the limit, by its header alone",
        Buffer.concat([Buffer.from([0x82, 0xff]), size(MAX_FRAME_BYTES * 3)]),
      ],
      ["of 2^64-1 bytes", Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(8, 0xff), Buffer.alloc(4)])],
      ["with invalid UTF-8", maskedFrame({ opcode: TEXT }, Buffer.from([0xf0, 0x90, 0xff]))],
      ["with a surrogate in UTF-8", maskedFrame({ opcode: TEXT }, Buffer.from([0xed, 0xa0, 0x80]))],
      ["with RSV1 set", maskedFrame({ opcode: TEXT, rsv: 4 }, "x")],
      ["with RSV2 set", maskedFrame({ opcode: TEXT, rsv: 2 }, "x")],
      ["with RSV3 set", maskedFrame({ opcode: TEXT, rsv: 1 }, "x")],
      ["of an unknown data opcode", maskedFrame({ opcode: 3 }, "x")],
      ["of an unknown control opcode", maskedFrame({ opcode: 11 }, "x")],
      ["that is a fragmented ping", maskedFrame({ opcode: PING, fin: false }, "x")],
      ["that is a ping of 126 bytes", maskedFrame({ opcode: PING }, Buffer.alloc(126))],
      ["that continues nothing", maskedFrame({ opcode: 0 }, "x")],
      [
        "that begins inside another",
        Buffer.concat([maskedFrame({ opcode: TEXT, fin: false }, "x"), maskedFrame({ opcode: TEXT }, "y")]),
      ],
    ])("a frame %s cuts the connection, and the application sees no message", async (_what, bytes) => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      client.send(bytes);
      await client.closed();
      const told = await rig.socket();
      await until("the handler is told", () => told.closedWith.length > 0);
      expect(told.closedWith).toHaveLength(1);
      expect(told.messages).toHaveLength(0);
    });

    it("with UTF-8 that is broken across fragments cut the connection", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      client.send(maskedFrame({ opcode: TEXT, fin: false }, Buffer.from([0xf0, 0x90])));
      client.send(maskedFrame({ opcode: 0 }, Buffer.from([0x80, 0xff])));
      await client.closed();
      expect((await rig.socket()).messages).toHaveLength(0);
    });

    it("in very many fragments are refused where the library would keep more for each than it has", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      const fragment = maskedFrame({ opcode: 0, fin: false }, "x");
      const end = maskedFrame({ opcode: 0 }, "x");
      const middle = Array.from({ length: 2_000 }, () => fragment);
      client.send(Buffer.concat([maskedFrame({ opcode: BINARY, fin: false }, "x"), ...middle, end]));
      await until("it is taken or refused", () => told.messages.length + told.closedWith.length === 1);
      expect(told.messages).toHaveLength(name === "uws" ? 1 : 0);
    });

    it("with a character cut by a fragment's end are whole", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      client.send(maskedFrame({ opcode: TEXT, fin: false }, Buffer.from([0xf0, 0x90])));
      client.send(maskedFrame({ opcode: 0 }, Buffer.from([0x8d, 0x88])));
      const told = await rig.socket();
      await until("it has come", () => told.messages.length === 1);
      expect(told.messages[0]?.bytes.toString()).toBe("\u{10348}");
    });
  });

  describe("frames out", () => {
    it("come in order over many sends, of every length that has a header of its own", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const got = collect(client);
      const { socket } = await rig.socket();
      const lengths = [0, 1, 125, 126, 127, 16_383, 16_384, 65_535, 65_536, 300_000];
      const frames = [...lengths, ...lengths.slice().reverse()].map((length, at) => frameOf(Buffer.alloc(length, at)));
      frames.push(frameOf("text é"));
      socket.send(frames, frames.length);
      socket.send(frames, 3);
      await until("all have come", () => got.length === frames.length + 3);
      for (const [at, frame] of [...frames, ...frames.slice(0, 3)].entries()) {
        expect(got[at]?.data.equals(frame.bytes)).toBe(true);
        expect(got[at]?.binary).toBe(frame.binary);
      }
    });

    it("of one send arrive as one piece when they are small", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const { socket } = await rig.socket();
      const frames = Array.from({ length: 40 }, (_, at) => frameOf(`frame ${at}`));
      const before = client.chunks;
      expect(socket.send(frames, frames.length)).toBe("open");
      await until("all have come", () => readFrames(client.received).length === frames.length);
      expect(client.chunks - before).toBe(1);
    });

    it("may be the same object for many sockets", async () => {
      await using rig = await openRig(name);
      const clients = await Promise.all([1, 2, 3].map(() => open(rig.wsUrl)));
      const got = clients.map(collect);
      await rig.socket(2);
      const frame = frameOf(Buffer.alloc(70_000, 5));
      for (const told of rig.sockets) told.socket.send([frame], 1);
      await until("all have come", () => got.every((list) => list.length === 1));
      for (const list of got) expect(list[0]?.data.equals(frame.bytes)).toBe(true);
    });
  });

  describe("a reader that stalls", () => {
    it("gets every byte as it was, though the memory is overwritten after each send", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      client.socket.pause();
      const ring = Buffer.alloc(65_536);
      let sent = 0;
      const send = (): string => {
        ring.fill(sent % 251);
        const result = told.socket.send([frameOf(ring, { volatile: true }), frameOf(`${sent}`)], 2);
        sent++;
        ring.fill(255);
        return result;
      };
      while (send() === "open") await nextTurn();
      expect(told.socket.bufferedBytes()).toBeGreaterThan(0);
      expect(told.socket.bufferedBytes()).toBeLessThanOrEqual(65_536 + 64);
      expect(told.drains).toBe(0);

      const more = sent + 50;
      told.onDrain = () => {
        while (sent < more && send() === "open");
      };
      client.socket.resume();
      const parts: Buffer[] = [];
      await until(
        "everything has come",
        () => {
          const frames = readFrames(client.received);
          parts.splice(0, parts.length, ...frames.map((frame) => frame.payload));
          return frames.length === 2 * more;
        },
        15_000,
      );
      for (let at = 0; at < more; at++) {
        const slice = parts[2 * at] as Buffer;
        expect(slice.length).toBe(65_536);
        expect(slice.equals(Buffer.alloc(65_536, at % 251))).toBe(true);
        expect((parts[2 * at + 1] as Buffer).toString()).toBe(`${at}`);
      }
      await until("nothing waits", () => told.socket.bufferedBytes() === 0);
    });

    it("answers pings between the frames without breaking one", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      client.socket.pause();
      let sent = 0;
      do sent++;
      while (told.socket.send([frameOf(Buffer.alloc(65_536, 1))], 1) === "open");
      for (let count = 0; count < 5; count++) client.send(maskedFrame({ opcode: PING }, `ping ${count}`));
      await until("the pings are seen", () => told.alives === 5);
      told.socket.send([frameOf("last")], 1);
      sent++;
      client.socket.resume();
      await until("all frames have come", () => readFrames(client.received).filter(isData).length === sent, 15_000);
      expect(readFrames(client.received).some((frame) => frame.opcode === PONG)).toBe(true);
    });

    it("doesn't hold up the others", async () => {
      await using rig = await openRig(name);
      using stalled = await dialWebSocket(rig.port);
      const other = await open(rig.wsUrl);
      const got = collect(other);
      const told = await rig.socket(1);
      stalled.socket.pause();
      const [first] = rig.sockets;
      while (first?.socket.send([frameOf(Buffer.alloc(65_536))], 1) === "open");
      told.socket.send([frameOf("through")], 1);
      await until("the other has it", () => got.length === 1);
      expect(told.socket.bufferedBytes()).toBe(0);
    });

    it("is cut at once by terminate", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      client.socket.pause();
      while (told.socket.send([frameOf(Buffer.alloc(65_536))], 1) === "open");
      told.socket.terminate();
      await until("the handler is told", () => told.closedWith.length > 0);
      expect(told.closedWith).toEqual([1006]);
      expect(told.socket.bufferedBytes()).toBe(0);
      expect(told.socket.send([frameOf("x")], 1)).toBe("closed");
    });

    it("gets the close frame after what was buffered", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      client.socket.pause();
      let sent = 1;
      while (told.socket.send([frameOf(Buffer.alloc(65_536))], 1) === "open") sent++;
      told.socket.close(1001, "going away");
      expect(told.socket.send([frameOf("late")], 1)).toBe("closed");
      client.socket.resume();
      await until("the close frame has come", () => readFrames(client.received).at(-1)?.opcode === CLOSE, 15_000);
      const frames = readFrames(client.received);
      expect(frames).toHaveLength(sent + 1);
      expect(frames.at(-1)?.payload.readUInt16BE()).toBe(1001);
    });
  });

  describe("the end", () => {
    it("carries code and reason to the client, and is told once with the code", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      const closed = closing(client);
      told.socket.close(4401, "no ".repeat(100));
      expect(told.closedWith).toEqual([]);
      const { code, reason } = await closed;
      expect(code).toBe(4401);
      expect("no ".repeat(100).startsWith(reason)).toBe(true);
      await until("the handler is told", () => told.closedWith.length > 0);
      told.socket.close(1000, "");
      told.socket.terminate();
      told.socket.ping();
      expect(told.socket.send([frameOf("x")], 1)).toBe("closed");
      expect(told.closedWith).toEqual([4401]);
    });

    it("comes with the code of a client that closes", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      client.close(4000, "bye");
      await until("the handler is told", () => told.closedWith.length > 0);
      expect(told.closedWith).toEqual([4000]);
    });

    it("comes with 1006 when the client just vanishes", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      client.terminate();
      await until("the handler is told", () => told.closedWith.length > 0);
      expect(told.closedWith).toEqual([1006]);
    });

    it("is not told inside the call that caused it", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      let during = -1;
      told.onMessage = () => {
        told.socket.terminate();
        during = told.closedWith.length;
      };
      client.on("error", () => {});
      client.send("end me");
      await until("the handler is told", () => told.closedWith.length === 1);
      expect(during).toBe(0);
    });

    it.each([
      ["of one byte", Buffer.from([3])],
      ["with code 999", code(999)],
      ["with code 1005", code(1005)],
      ["with code 1006", code(1006)],
      ["with code 5000", code(5000)],
      ["with a reason that isn't UTF-8", Buffer.concat([code(1000), Buffer.from([0xff, 0xfe])])],
    ])("of a close frame %s closes the connection and never echoes the code", async (_what, payload) => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      client.send(maskedFrame({ opcode: CLOSE }, payload));
      await client.closed();
      const echoed = readFrames(client.received)
        .filter((frame) => frame.opcode === CLOSE && frame.payload.length >= 2)
        .map((frame) => frame.payload.readUInt16BE());
      expect(echoed.filter((value) => ![1000, 1002, 1007].includes(value))).toEqual([]);
      const told = await rig.socket();
      await until("the handler is told", () => told.closedWith.length === 1);
    });

    it("reaches nothing after close: what the client still sends is not handed over", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      told.socket.close(1000, "");
      client.send(Buffer.concat([maskedFrame({ opcode: TEXT }, "late"), maskedFrame({ opcode: CLOSE }, code(1000))]));
      await until("the handler is told", () => told.closedWith.length === 1);
      expect(told.messages).toHaveLength(0);
    });
  });

  describe("pings", () => {
    it("go out, and the pong is told as a sign of life", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      const pinged = new Promise((resolve) => client.once("ping", resolve));
      told.socket.ping();
      await within("the ping", pinged);
      await until("the pong is told", () => told.alives === 1);
    });

    it("of the client are answered with their payload and told as a sign of life", async () => {
      await using rig = await openRig(name);
      const client = await open(rig.wsUrl);
      const told = await rig.socket();
      const answered = new Promise<Buffer>((resolve) => client.once("pong", resolve));
      client.ping("abc");
      expect((await within("the pong", answered)).toString()).toBe("abc");
      expect(told.alives).toBe(1);
    });

    it.each([
      ["in a flood", PING],
      ["nobody asked for, pongs, in a flood", PONG],
    ])("%s cut the connection", async (_what, opcode) => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      const ping = maskedFrame({ opcode }, "x");
      client.send(Buffer.concat(Array.from({ length: 1_500 }, () => ping)));
      await until("it is cut", () => told.closedWith.length === 1);
      expect(told.alives).toBeLessThanOrEqual(1_000);
    });

    it("may be answered by more pongs than that, over time, when they are asked for", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const told = await rig.socket();
      const pong = maskedFrame({ opcode: PONG });
      for (let count = 1; count <= 1_500; count++) {
        told.socket.ping();
        client.send(pong);
        while (told.alives < count && told.closedWith.length === 0) await nextTurn();
      }
      expect(told.closedWith).toEqual([]);
    });
  });

  describe("BINARY and TEXT", () => {
    it("leave with their opcodes", async () => {
      await using rig = await openRig(name);
      using client = await dialWebSocket(rig.port);
      const { socket } = await rig.socket();
      socket.send([frameOf("t"), frameOf(Buffer.from("b"))], 2);
      await until("both have come", () => readFrames(client.received).length === 2);
      expect(readFrames(client.received).map((frame) => frame.opcode)).toEqual([TEXT, BINARY]);
    });
  });
}

function isData(frame: { readonly opcode: number }): boolean {
  return frame.opcode === TEXT || frame.opcode === BINARY;
}

async function open(url: string, subprotocols: string[] = []): Promise<WebSocket> {
  const client = new WebSocket(url, subprotocols);
  await within(
    "the socket to open",
    new Promise((resolve, reject) => client.once("open", resolve).once("error", reject)),
  );
  return client;
}

function failure(client: WebSocket): Promise<string> {
  return new Promise((resolve) => client.once("error", (error) => resolve(error.message)));
}

function closing(client: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => client.once("close", (code, reason) => resolve({ code, reason: reason.toString() })));
}

function collect(client: WebSocket): { data: Buffer; binary: boolean }[] {
  const got: { data: Buffer; binary: boolean }[] = [];
  client.on("message", (data: Buffer, binary) => got.push({ data, binary }));
  return got;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function code(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

/** Length of 8 bytes and an empty mask. */
function size(bytes: number): Buffer {
  const buffer = Buffer.alloc(12);
  buffer.writeBigUInt64BE(BigInt(bytes));
  return buffer;
}
