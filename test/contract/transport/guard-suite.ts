import { describe, expect, it } from "vitest";
import type { TransportName } from "../../../server/src/transport/index.js";
import { ask, dial, handshakeHead } from "../../support/raw-client.js";
import { MAX_HEADER_BYTES, openRig } from "./rig.js";

const HOST = "Host: a\r\n";
const CHUNKED_END = "0\r\n\r\n";
/** What an attacker hides behind a request whose length can be read in two ways. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

export function guardSuite(name: TransportName): void {
  describe("the guard", () => {
    it.each([
      [
        "Content-Length with Transfer-Encoding",
        `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_END}`,
      ],
      ["two differing Content-Lengths", `Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`],
      ["two equal Content-Lengths", "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"],
      ["Transfer-Encoding: xchunked", `Transfer-Encoding: xchunked\r\n\r\n${CHUNKED_END}`],
      ["Transfer-Encoding: chunked, identity", `Transfer-Encoding: chunked, identity\r\n\r\n${CHUNKED_END}`],
      ["Transfer-Encoding twice", `Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_END}`],
      ["Content-Length +5", "Content-Length: +5\r\n\r\nhello"],
      ["Content-Length 5,5", "Content-Length: 5,5\r\n\r\nhello"],
      ["Content-Length 0x5", "Content-Length: 0x5\r\n\r\nhello"],
      ["Content-Length -1", "Content-Length: -1\r\n\r\n"],
      ["an empty Content-Length", "Content-Length: \r\n\r\n"],
      ["Content-Length 2^64+1", "Content-Length: 18446744073709551617\r\n\r\nhello"],
      ["two Hosts", "Host: b\r\n\r\n"],
    ])("refuses %s with 400, closes, and runs nothing that stands behind", async (_what, rest) => {
      await using rig = await openRig(name);
      using client = await dial(rig.port);
      client.send(`POST /x HTTP/1.1\r\n${HOST}${rest}${SMUGGLED}`);
      await client.closed();
      expect(client.text).toMatch(/^HTTP\/1\.1 400 /);
      expect(client.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
      expect(rig.exchanges).toHaveLength(0);
    });

    it("says why in the body, where the library leaves it the word", async () => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, `GET /x HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`);
      expect(answer.text).toMatch(/\r\nContent-Type: application\/json\r\n/);
      expect(JSON.parse(answer.body)).toEqual({ code: "bad_request", message: "Send exactly one Host header, not 2." });
      expect(rig.refused).toEqual(["bad_request"]);
    });

    it.each([
      ["no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", [400]],
      ["an absolute target with another Host", `GET http://evil/ HTTP/1.1\r\n${HOST}\r\n`, [400, 505]],
      ["HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}\r\n`, [505]],
      ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]],
      ["TRACE", `TRACE / HTTP/1.1\r\n${HOST}\r\n`, [405]],
      ["CONNECT", `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`, [400, 405, 505]],
      ["101 headers", `GET / HTTP/1.1\r\n${HOST}${"A: b\r\n".repeat(101)}\r\n`, [431]],
      ["a header line over the limit", `GET / HTTP/1.1\r\n${HOST}A: ${"b".repeat(MAX_HEADER_BYTES)}\r\n\r\n`, [431]],
    ])("refuses %s", async (_what, request, statuses) => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, request);
      expect(statuses).toContain(answer.status);
      expect(rig.exchanges).toHaveLength(0);
    });

    it.each([
      ["a bare line feed", `GET / HTTP/1.1\n${HOST}\n`],
      ["a space before the colon", `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`],
      ["a folded header", `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`],
      ["NUL in a header", `GET / HTTP/1.1\r\n${HOST}A: b\0c\r\n\r\n`],
    ])("runs no route for %s, and the connection ends", async (_what, request) => {
      await using rig = await openRig(name);
      using client = await dial(rig.port);
      client.send(request);
      await client.closed();
      expect(client.text).not.toMatch(/^HTTP\/1\.1 2/);
      expect(rig.exchanges).toHaveLength(0);
    });

    it("ends a handshake that dribbles in", async () => {
      await using rig = await openRig(name, { requestTimeoutMs: 2_000 });
      using client = await dial(rig.port);
      const head = handshakeHead({ "X-Slow": "s".repeat(200) });
      let at = 0;
      const drip = setInterval(() => client.send(head.charAt(at++)), 200);
      try {
        await client.closed();
      } finally {
        clearInterval(drip);
      }
      expect(rig.sockets).toHaveLength(0);
    });
  });

  describe("the guard of handshakes", () => {
    it.each(["12", "8", "13x", "13, 13", undefined])(
      "refuses version %s with 426 and the right one",
      async (version) => {
        await using rig = await openRig(name);
        const answer = await ask(rig.port, handshakeHead({ "Sec-WebSocket-Version": version }));
        expect(answer.status).toBe(426);
        expect(answer.text).toMatch(/\r\nSec-WebSocket-Version: 13\r\n/);
        expect(rig.handshakes).toHaveLength(0);
      },
    );

    it.each([
      ["no key", undefined],
      ["a key of 3 characters", "abc"],
      ["a key of 24 characters that aren't 16 bytes", "a".repeat(24)],
      ["a key that isn't base64", "!".repeat(22) + "=="],
    ])("refuses %s with 400", async (_what, key) => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, handshakeHead({ "Sec-WebSocket-Key": key }));
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "bad_request" });
      expect(rig.handshakes).toHaveLength(0);
      expect(rig.exchanges).toHaveLength(0);
    });

    it("refuses POST with 405", async () => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, handshakeHead({ "Content-Length": "0" }, "POST /v1/ws"));
      expect(answer.status).toBe(405);
      expect(answer.text).toMatch(/\r\nAllow: GET\r\n/);
      expect(rig.handshakes).toHaveLength(0);
    });

    it("reads all Sec-WebSocket-Protocol headers, and odd entries too", async () => {
      await using rig = await openRig(name);
      rig.answer = () => rig.accept(undefined);
      using client = await dial(rig.port);
      const twice = "Sec-WebSocket-Protocol: bearer.a=b/c, x\r\nSec-WebSocket-Protocol: , y,,x";
      client.send(handshakeHead().replace("Upgrade: websocket", `Upgrade: websocket\r\n${twice}`));
      await client.reads(/^HTTP\/1\.1 101 /);
      expect(rig.handshakes[0]?.subprotocols).toEqual(["bearer.a=b/c", "x", "y", "x"]);
      expect(client.text).not.toMatch(/sec-websocket-protocol/i);
    });

    it("never negotiates compression", async () => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, handshakeHead({ "Sec-WebSocket-Extensions": "permessage-deflate" }));
      expect(answer.status).toBe(101);
      expect(answer.text).not.toMatch(/sec-websocket-extensions/i);
    });

    it("takes an upgrade on another path for a plain request", async () => {
      await using rig = await openRig(name);
      const answer = await ask(rig.port, handshakeHead({}, "GET /elsewhere"));
      expect(answer.status).toBe(200);
      expect(answer.body).toBe("GET /elsewhere ");
    });
  });
}
