import { describe, expect, it } from "vitest";
import type { TransportName } from "../../../server/src/transport/index.js";
import type { ResponseStream } from "../../../server/src/http/exchange.js";
import { until } from "../../support/until.js";
import { dial, type RawClient } from "../../support/raw-client.js";
import { openRig, text, type Rig } from "./rig.js";

/** A stream that was begun by a request, and what its handler was told. */
interface Streaming {
  readonly stream: ResponseStream;
  drains: number;
  closeds: number;
  onDrain: () => void;
}

const REQUEST = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

/** Many tests wait at once here, on a machine that may have more to do: what is in doubt is whether it comes, not when. */
const BUSY_MS = 30_000;

export function streamSuite(name: TransportName): void {
  describe("a stream", () => {
    it("sends its head and each piece as it is written, and ends", async () => {
      await using rig = await openRig(name);
      const streams = streaming(rig);
      const response = await fetchHead(rig, streams);
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const read = async (): Promise<string> => Buffer.from((await reader.read()).value ?? "").toString();
      expect(await read()).toBe(": hello\n\n");
      const [own] = streams as [Streaming];
      expect(own.stream.write(Buffer.from("data: 1\n\n"))).toBe("open");
      expect(await read()).toBe("data: 1\n\n");
      expect(own.stream.write(Buffer.alloc(0))).toBe("open");
      own.stream.end();
      expect((await reader.read()).done).toBe(true);
      await until("the end is told", () => own.closeds === 1);
      expect(own.stream.write(Buffer.from("late"))).toBe("closed");
      own.stream.end();
      own.stream.terminate();
      expect(own.closeds).toBe(1);
    });

    it("is told once when the peer goes", async () => {
      await using rig = await openRig(name);
      const streams = streaming(rig);
      using client = await dialStream(rig, streams);
      client.socket.destroy();
      const [own] = streams as [Streaming];
      await until("it is told", () => own.closeds > 0);
      expect(own.stream.write(Buffer.from("x"))).toBe("closed");
      expect(own.stream.bufferedBytes()).toBe(0);
      expect(own.closeds).toBe(1);
    });

    it("to a peer that is gone already ends at once", async () => {
      await using rig = await openRig(name);
      rig.handle = () => {};
      using client = await dial(rig.port);
      client.send(REQUEST);
      await until("the request is there", () => rig.exchanges.length === 1);
      client.socket.destroy();
      await until("the peer is gone", () => rig.exchanges[0]?.aborted === true);
      let closeds = 0;
      const stream = rig.exchanges[0]?.stream(
        { status: 200, headers: {} },
        { drain: () => {}, closed: () => closeds++ },
      );
      await until("the end is told", () => closeds === 1);
      expect(stream?.write(Buffer.from("x"))).toBe("closed");
    });

    it.each([
      ["large", 64 * 1024],
      ["middling", 10_000],
      ["small", 700],
    ])(
      "whose reader stalls is full after a bounded amount of %s pieces, drains, and loses no byte",
      async (_what, bytes) => {
        await using rig = await openRig(name);
        const streams = streaming(rig);
        using client = await dialStream(rig, streams);
        const [own] = streams as [Streaming];
        client.socket.pause();
        let written = 0;
        const write = (): string => {
          const result = own.stream.write(piece(written, bytes));
          written++;
          return result;
        };
        while (write() === "open") if (written % 16 === 0) await nextTurn();
        expect(own.stream.bufferedBytes()).toBeGreaterThan(0);
        expect(own.stream.bufferedBytes()).toBeLessThanOrEqual(2 * 64 * 1024);
        const total = written + 300;
        own.onDrain = () => {
          while (written < total && write() === "open");
        };
        client.socket.resume();
        await until("it drains", () => own.drains > 0, BUSY_MS);
        // Small pieces may all have been taken without another stall.
        await until("all are written", () => written === total, BUSY_MS);
        own.stream.end();
        await until("it ends", () => own.closeds === 1);
        await until("the last has come", () => client.text.endsWith("\r\n0\r\n\r\n"), BUSY_MS);
        const body = unchunk(client.received);
        expect(body.length).toBe(total * bytes);
        for (let at = 0; at < total; at++) {
          expect(body.subarray(at * bytes, (at + 1) * bytes).equals(piece(at, bytes))).toBe(true);
        }
      },
    );

    it("whose reader stalls for long is not cut, and goes on", async () => {
      await using rig = await openRig(name);
      const streams = streaming(rig);
      using client = await dialStream(rig, streams);
      const [own] = streams as [Streaming];
      client.socket.pause();
      while (own.stream.write(Buffer.alloc(65_536, "x")) === "open") await nextTurn();
      // The point is that time passes: uWebSockets.js alone would cut it after 8 to 12 s.
      await new Promise((resolve) => setTimeout(resolve, 14_000));
      expect(own.closeds).toBe(0);
      client.socket.resume();
      await until("it drains", () => own.drains === 1);
      expect(own.stream.write(Buffer.from("data: on\n\n"))).toBe("open");
      await until("it has come", () => client.text.includes("data: on"));
    }, 30_000);

    it("whose reader stalls can be cut", async () => {
      await using rig = await openRig(name);
      const streams = streaming(rig);
      using client = await dialStream(rig, streams);
      const [own] = streams as [Streaming];
      client.socket.pause();
      while (own.stream.write(Buffer.alloc(65_536)) === "open") await nextTurn();
      own.stream.terminate();
      await until("it is told", () => own.closeds === 1);
      expect(own.stream.bufferedBytes()).toBe(0);
      client.socket.resume();
      await client.closed();
    });

    it("leaves its connection free for the next request", async () => {
      await using rig = await openRig(name);
      const streams = streaming(rig);
      using client = await dialStream(rig, streams);
      streams[0]?.stream.end();
      await until("it has ended", () => client.text.endsWith("0\r\n\r\n"));
      rig.handle = (exchange) => exchange.respond(text(200, "next"));
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.reads(/next$/);
    });
  });
}

/** Makes the rig answer every request by a stream. */
function streaming(rig: Rig): Streaming[] {
  const streams: Streaming[] = [];
  rig.handle = (exchange) => {
    const told = { drains: 0, closeds: 0, onDrain: () => {} };
    const head = { status: 200, headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } };
    const stream = exchange.stream(head, {
      drain: () => {
        own.drains++;
        own.onDrain();
      },
      closed: () => own.closeds++,
    });
    const own: Streaming = { ...told, stream };
    streams.push(own);
    stream.write(Buffer.from(": hello\n\n"));
  };
  return streams;
}

async function fetchHead(rig: Rig, streams: readonly Streaming[]): Promise<Response> {
  const response = await fetch(`${rig.url}/events`);
  await until("the stream is there", () => streams.length === 1);
  return response;
}

/** A raw connection whose answer has begun; nothing of it is left in `received`. */
async function dialStream(rig: Rig, streams: readonly Streaming[]): Promise<RawClient> {
  const client = await dial(rig.port);
  client.send(REQUEST);
  await client.reads(/^HTTP\/1\.1 200 OK[\s\S]*: hello\n\n/);
  await until("the stream is there", () => streams.length === 1);
  // uWebSockets.js writes a chunk's closing line break with the next chunk.
  const at = client.text.indexOf(": hello\n\n") + ": hello\n\n".length;
  client.received = client.received.subarray(at);
  return client;
}

function piece(at: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, `<${at}>`);
}

/** The content of a chunked body, from the line break behind a chunk on. */
function unchunk(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let at = bytes.indexOf("\r\n") === 0 ? 2 : 0;
  for (;;) {
    const end = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (!(length > 0)) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
