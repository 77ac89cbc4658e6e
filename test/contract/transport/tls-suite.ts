import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { readTlsFiles, type TransportName } from "../../../server/src/transport/index.js";
import { makeCertificate, writeCertificate, type TestCertificate } from "../../support/certificate.js";
import { tempDir } from "../../support/temp-dir.js";
import { until, within } from "../../support/until.js";
import { dial } from "../../support/raw-client.js";
import { echo, frameOf, openRig, WEB_SOCKET_PATH, type Rig } from "./rig.js";

const FRAME_BYTES = 512 * 1024;

/** The core of the other suites over TLS, and what TLS alone has. */
export function tlsSuite(name: TransportName): void {
  describe("TLS", () => {
    it("carries requests, bodies and answers of every size", async () => {
      await using secure = await openSecure(name);
      secure.rig.handle = (exchange) => echo(exchange, 1_000_000);
      const body = Buffer.alloc(300_000, "x");
      expect(await secure.ask("POST", "/", body)).toEqual({ status: 200, body: body.toString() });
      expect(await secure.ask("POST", "/", Buffer.from("small"))).toEqual({ status: 200, body: "small" });
    });

    it("carries a stream piece by piece", async () => {
      await using secure = await openSecure(name);
      secure.rig.handle = (exchange) => {
        const stream = exchange.stream({ status: 200, headers: {} }, { drain: () => {}, closed: () => {} });
        stream.write(Buffer.from("one "));
        stream.write(Buffer.alloc(100_000, "2"));
        stream.end();
      };
      const { body } = await secure.ask("GET", "/");
      expect(body).toBe(`one ${"2".repeat(100_000)}`);
    });

    it("carries frames in order through a full socket, and tells when it has drained", async () => {
      await using secure = await openSecure(name);
      const client = secure.webSocket();
      const got: string[] = [];
      client.on("message", (data: Buffer) => got.push(data.subarray(0, 8).toString()));
      const told = await secure.rig.socket();
      await until("the client is open", () => client.readyState === WebSocket.OPEN);
      client.pause();
      let sent = 0;
      const payload = (): Buffer => Buffer.from(String(sent++).padEnd(8).padEnd(FRAME_BYTES));
      await until("the socket is full for good", () => {
        while (told.socket.send([frameOf(payload())], 1) === "open");
        return told.socket.bufferedBytes() > 2 * FRAME_BYTES;
      });
      const drains = told.drains;
      client.resume();
      await until("all frames are there", () => got.length === sent);
      await until("the drain is told", () => told.drains > drains);
      expect(got.map(Number)).toEqual(Array.from({ length: sent }, (_, at) => at));
      client.send("back");
      await until("the answer is there", () => told.messages.length === 1);
      told.socket.close(1001, "away");
      expect(await closeOf(client)).toBe(1001);
    });

    it("takes a plain request with an Upgrade that isn't ours", async () => {
      await using secure = await openSecure(name);
      const answer = await secure.ask("GET", "/x", undefined, { Connection: "Upgrade", Upgrade: "h2c" });
      expect(answer).toEqual({ status: 200, body: "GET /x " });
    });

    it("ends whoever speaks plain HTTP, and older versions of TLS, and goes on with the others", async () => {
      await using secure = await openSecure(name);
      using plain = await dial(secure.rig.port);
      plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await plain.closed();
      expect(plain.text).not.toContain("200");
      await expect(
        secure.handshake({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" }),
      ).rejects.toThrow();
      expect((await secure.handshake({ maxVersion: "TLSv1.2" })).getProtocol()).toBe("TLSv1.2");
      expect((await secure.ask("GET", "/still")).body).toBe("GET /still ");
      expect(secure.rig.exchanges).toHaveLength(1);
    });

    it("gives new connections a renewed certificate, and lets open ones go on", async () => {
      await using secure = await openSecure(name);
      const client = secure.webSocket();
      const told = await secure.rig.socket();
      expect(await secure.nameServed()).toBe("first");
      await secure.renew("second");
      expect(await secure.nameServed()).toBe("second");
      client.send("still");
      await until("the open connection goes on", () => told.messages.length === 1);
      client.terminate();
      expect((await secure.ask("GET", "/new")).body).toBe("GET /new ");
    });

    it("stops and closes what was opened with any certificate", async () => {
      await using secure = await openSecure(name);
      const before = secure.webSocket();
      await secure.rig.socket();
      await secure.renew("second");
      const after = secure.webSocket();
      await secure.rig.socket(1);
      const closed = Promise.all([closeOf(before), closeOf(after)]);
      await within("close", secure.rig.transport.close(), 4_000);
      await within("both are cut", closed);
      await expect(dial(secure.rig.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    });
  });
}

interface Secure extends AsyncDisposable {
  readonly rig: Rig;
  ask(
    method: string,
    path: string,
    body?: Buffer,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: string }>;
  webSocket(): WebSocket;
  handshake(options: object): Promise<TLSSocket>;
  /** Common name of the certificate that a new connection is shown. */
  nameServed(): Promise<string>;
  renew(name: string): Promise<void>;
}

async function openSecure(name: TransportName): Promise<Secure> {
  const folder = tempDir();
  const filesOf = (certificate: TestCertificate) => {
    const { certFile, keyFile } = writeCertificate(folder.path, certificate);
    return readTlsFiles(certFile, keyFile, Date.now());
  };
  let certificate = await makeCertificate("first");
  const rig = await openRig(name, { tls: filesOf(certificate) });
  const place = () => ({ host: "127.0.0.1", port: rig.port, ca: certificate.cert });
  const handshake = (options: object): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ ...place(), ...options }, () => {
        socket.end();
        resolve(socket);
      });
      socket.once("error", reject);
    });
  return {
    rig,
    handshake,
    ask: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const asking = request({ ...place(), method, path, headers, agent: false }, (response) => {
          const pieces: Buffer[] = [];
          response.on("data", (piece: Buffer) => pieces.push(piece));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() }),
          );
        });
        asking.on("error", reject);
        asking.end(body);
      }),
    webSocket: () => {
      const client = new WebSocket(`wss://127.0.0.1:${rig.port}${WEB_SOCKET_PATH}`, { ca: certificate.cert });
      client.on("error", () => {});
      return client;
    },
    nameServed: async () => String((await handshake({ agent: false })).getPeerCertificate().subject.CN),
    renew: async (common) => {
      certificate = await makeCertificate(common);
      rig.transport.renewTls(filesOf(certificate));
    },
    [Symbol.asyncDispose]: async () => {
      await rig.transport.close();
      folder[Symbol.dispose]();
    },
  };
}

function closeOf(client: WebSocket): Promise<number> {
  return new Promise((resolve) => client.once("close", resolve));
}
