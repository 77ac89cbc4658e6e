import { request } from "node:http";
import { describe, expect, it } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import type { TransportName } from "../../../server/src/transport/index.js";
import type { Exchange } from "../../../server/src/http/exchange.js";
import { until, within } from "../../support/until.js";
import { ask, dial } from "../../support/raw-client.js";
import { echo, openRig, text, type Rig } from "./rig.js";

export function httpSuite(name: TransportName): void {
  describe("a request", () => {
    it("is handed over with method, path, query and headers, all still there after the answer", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => void answerLater(exchange);
      const response = await fetch(`${rig.url}/a%2Fb/c?x=1&y=%20`, { headers: { "X-One": "é 1", "X-Two": "2" } });
      expect(response.status).toBe(200);
      const exchange = rig.exchanges[0] as Exchange;
      expect(exchange.method).toBe("GET");
      expect(exchange.path).toBe("/a%2Fb/c");
      expect(exchange.query).toBe("x=1&y=%20");
      expect(exchange.header("x-two")).toBe("2");
      expect(exchange.header("x-three")).toBeUndefined();
      expect(exchange.aborted).toBe(false);
    });

    it("tells its peer's address until it is answered, and afterwards if it was asked before", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => {
        setImmediate(() => exchange.respond(text(200, exchange.remoteAddress)));
      };
      expect(await (await fetch(rig.url)).text()).toBe("127.0.0.1");
      expect(rig.exchanges[0]?.remoteAddress).toBe("127.0.0.1");
    });

    it("has an empty query without a question mark", async () => {
      await using rig = await openRig(name);
      expect(await (await fetch(`${rig.url}/p`)).text()).toBe("GET /p ");
    });

    it("joins headers that come several times and counts them, reading them as UTF-8", async () => {
      await using rig = await openRig(name);
      await ask(rig.port, "GET / HTTP/1.1\r\nHost: a\r\nX-Key: one\r\nX-Key: caf\xc3\xa9s\r\n\r\n");
      expect(rig.exchanges[0]?.header("x-key")).toBe("one, cafés");
      expect(rig.exchanges[0]?.headerCount("x-key")).toBe(2);
      expect(rig.exchanges[0]?.headerCount("x-none")).toBe(0);
    });

    it("may have a head up to the limit, and no more", async () => {
      await using rig = await openRig(name);
      const head = (bytes: number): string => `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${"c".repeat(bytes)}\r\n\r\n`;
      expect((await ask(rig.port, head(12_000))).status).toBe(200);
      expect((await ask(rig.port, head(17_000))).status).toBe(431);
    });

    it("with an upgrade to something else is a plain request, body and all", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 100);
      const head = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n";
      const answer = await ask(rig.port, `${head}Content-Length: 5\r\n\r\nhello`);
      expect(answer.status).toBe(200);
      expect(answer.body).toBe("hello");
    });

    it("in a row on one connection is answered in order", async () => {
      await using rig = await openRig(name);
      using client = await dial(rig.port);
      client.send(["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
      await client.reads(/GET \/1 [\s\S]*GET \/2 [\s\S]*GET \/3 /);
      expect(client.isClosed).toBe(false);
    });

    it("tells when the peer goes away before the answer, and the late answer is harmless", async () => {
      await using rig = await openRig(name);
      rig.handle = () => {};
      using client = await dial(rig.port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await until("the request is there", () => rig.exchanges.length === 1);
      client.socket.destroy();
      const exchange = rig.exchanges[0] as Exchange;
      await until("it is told", () => exchange.aborted);
      exchange.respond(text(200, "too late"));
      exchange.respond(text(200, "twice too late"));
    });
  });

  describe("an answer", () => {
    it("has the status, headers and body given, and keeps the connection", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) =>
        exchange.respond({ status: 422, headers: { "Content-Type": "application/json", "X-A": "b" }, body: "{}" });
      const answer = await ask(rig.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      expect(answer.text).toMatch(/^HTTP\/1\.1 422 Unprocessable Content\r\n/);
      expect(answer.text).toMatch(/\r\nContent-Type: application\/json\r\n/);
      expect(answer.text).toMatch(/\r\nX-A: b\r\n/);
      expect(answer.text).toMatch(/\r\nContent-Length: 2\r\n/);
      expect(answer.text).not.toMatch(/\r\nConnection: close\r\n/i);
      expect(answer.body).toBe("{}");
    });

    it("closes the connection when told to", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => exchange.respond({ ...text(200, "bye"), close: true });
      using client = await dial(rig.port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.closed();
      expect(client.text).toMatch(/\r\nConnection: close\r\n/i);
      expect(client.text).toMatch(/bye$/);
    });

    it("to HEAD has the length and no body", async () => {
      await using rig = await openRig(name);
      using client = await dial(rig.port);
      client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\nGET /g HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.reads(/Content-Length: 8\r\n[\s\S]*?\r\n\r\nHTTP\/1\.1 200[\s\S]*GET \/g /);
    });

    it("of 204 has neither body nor length", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => exchange.respond({ status: 204, headers: {}, body: "" });
      const answer = await ask(rig.port, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
      expect(answer.status).toBe(204);
      expect(answer.text).not.toMatch(/content-length|transfer-encoding/i);
    });

    it("can't be made to say more by what stands in a header", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => exchange.respond({ status: 200, headers: { "X-A": "b\r\nX-Evil: é" }, body: "" });
      const answer = await ask(rig.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      expect(answer.text).toMatch(/\r\nX-A: b\?\?X-Evil: \?\r\n/);
    });

    it("of many bytes arrives whole, though its reader is slow to begin", async () => {
      await using rig = await openRig(name);
      const body = Buffer.alloc(20_000_000, "0123456789");
      rig.handle = (exchange) => exchange.respond({ status: 200, headers: {}, body });
      using client = await dial(rig.port);
      client.socket.pause();
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await until("it is on its way", () => rig.exchanges.length === 1);
      const pieces: Buffer[] = [];
      let bytes = 0;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (piece: Buffer) => {
        pieces.push(piece);
        bytes += piece.length;
      });
      client.socket.resume();
      await until("all has come", () => bytes > body.length, 15_000);
      const all = Buffer.concat(pieces);
      expect(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(body)).toBe(true);
    });

    it("of volatile bytes arrives as it was, though they are overwritten at once and its reader is slow", async () => {
      await using rig = await openRig(name);
      const body = Buffer.alloc(8_000_000, "a");
      rig.handle = (exchange) => {
        exchange.respond({ status: 200, headers: {}, body, volatile: true });
        body.fill("z");
      };
      const response = await fetch(rig.url);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.alloc(8_000_000, "a"))).toBe(true);
    });

    it("is piled up for nobody who asks in a row and never reads", async () => {
      await using rig = await openRig(name);
      const body = Buffer.alloc(100_000);
      rig.handle = (exchange) => exchange.respond({ status: 200, headers: {}, body });
      using client = await dial(rig.port);
      client.socket.pause();
      const asked = 10_000;
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(asked));
      await until("it has begun", () => rig.exchanges.length > 0);
      // Others are served again and again, and nothing is taken meanwhile from this connection.
      const others = 20;
      await until("no further one is taken", async () => {
        const taken = rig.exchanges.length;
        for (let count = 0; count < others; count++) await (await fetch(rig.url)).arrayBuffer();
        return rig.exchanges.length === taken + others;
      });
      // The kernel's buffers take some, a packet's worth may be under way; the other gigabyte is never made.
      expect(rig.exchanges.length).toBeLessThan(asked / 5);
    });
  });

  describe("a body", () => {
    it("comes whole by length, and by chunks", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 1_000_000);
      const long = "x".repeat(700_000);
      expect(await (await fetch(rig.url, { method: "POST", body: "short" })).text()).toBe("short");
      expect(await (await fetch(rig.url, { method: "POST", body: long })).text()).toBe(long);
      expect(await post(rig, ["one ", "two ", "three"])).toBe("one two three");
      expect(await (await fetch(rig.url, { method: "POST" })).text()).toBe("");
    });

    it("is still there when it is asked for late", async () => {
      await using rig = await openRig(name);
      const long = Buffer.alloc(3_000_000, "late ");
      rig.handle = (exchange) => void echoLate(exchange);
      const response = await fetch(rig.url, { method: "POST", body: long });
      expect(Buffer.from(await response.arrayBuffer()).equals(long)).toBe(true);
    });

    it("over the limit is refused by its announced length, before it is sent", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 1_000);
      using client = await dial(rig.port);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
      await client.reads(/^HTTP\/1\.1 413 /);
    });

    it("over the limit is refused as soon as too much has come in chunks", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 1_000);
      using client = await dial(rig.port);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let count = 0; count < 11; count++) client.send(`64\r\n${"x".repeat(100)}\r\n`);
      await client.reads(/^HTTP\/1\.1 413 /);
    });

    it("over the limit leaves the client able to read why, and to go on", async () => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 1_000);
      for (let count = 0; count < 5; count++) {
        const response = await fetch(rig.url, { method: "POST", body: Buffer.alloc(5_000_000) });
        expect(response.status).toBe(413);
        expect(await response.text()).toMatch(/too_large/);
      }
      expect(await (await fetch(rig.url, { method: "POST", body: "fine" })).text()).toBe("fine");
    });

    it("that takes too long is refused", async () => {
      await using rig = await openRig(name, { requestTimeoutMs: 1_000 });
      rig.handle = (exchange) => echo(exchange, 1_000);
      using client = await dial(rig.port);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx");
      await client.reads(/^HTTP\/1\.1 400 [\s\S]*Connection: close[\s\S]*Send the whole body within 1000 ms/i);
    });

    it("that is cut off rejects, and nobody is answered", async () => {
      await using rig = await openRig(name);
      let failed: RingcastError | undefined;
      rig.handle = (exchange) => exchange.readBody(1_000, (body) => (failed = body as RingcastError));
      using client = await dial(rig.port);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx");
      await until("the request is there", () => rig.exchanges.length === 1);
      client.socket.destroy();
      await until("it rejects", () => failed !== undefined);
      expect(failed?.code).toBe("bad_request");
    });

    it.each([
      ["a chunk size that is no number", "zz\r\nx\r\n"],
      ["a chunk size beyond all bounds", "fffffffffffffffff\r\nx"],
    ])("with %s never reaches a route's end", async (_what, chunks) => {
      await using rig = await openRig(name);
      rig.handle = (exchange) => echo(exchange, 1_000);
      const answer = await ask(rig.port, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
      expect([0, 400, 413]).toContain(answer.status);
    });
  });
}

async function answerLater(exchange: Exchange): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  exchange.respond(text(200, exchange.path));
}

async function echoLate(exchange: Exchange): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  echo(exchange, 10_000_000);
}

/** A chunked POST, one chunk per piece. */
function post(rig: Rig, pieces: readonly string[]): Promise<string> {
  const answered = new Promise<string>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: rig.port, method: "POST", path: "/" }, (response) => {
      let body = "";
      response.on("data", (piece: Buffer) => (body += piece.toString()));
      response.on("end", () => resolve(body));
    });
    sent.on("error", reject);
    for (const piece of pieces) sent.write(piece);
    sent.end();
  });
  return within("the answer", answered);
}
