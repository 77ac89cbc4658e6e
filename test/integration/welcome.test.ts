import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { BinaryClient } from "../support/binary-client.js";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { dial, handshakeHead } from "../support/raw-client.js";
import { sharedHub } from "../support/shared-hub.js";
import { TRANSPORTS } from "../support/transports.js";

const hub = sharedHub();

describe("a new connection", () => {
  it("is welcomed with the limits of the contract before anything is asked", async () => {
    await using client = await JsonClient.open(hub.wsUrl);

    const welcome = await client.next();

    expect(welcome).toMatchObject({
      op: "welcome",
      protocol: 1,
      limits: {
        maxMessageBytes: 1_048_576,
        maxFrameBytes: 4_194_304,
        maxSubscriptions: 5_000,
        maxWindow: 100_000,
        maxInflight: 1_024,
        maxBatch: 10_000,
        idleTimeoutMs: 60_000,
        pingIntervalMs: 25_000,
      },
    });
    expect(welcome.server).toMatch(/^ringcast\/\d/);
    expect(welcome.connection).toBeTypeOf("string");
    expect(Math.abs(welcome.time - Date.now())).toBeLessThan(60_000);
  });

  // One packet, one write of the hub and one read of the client less for each connection, which counts when thousands come back at once.
  it.each(TRANSPORTS.filter((name) => name === "uws"))(
    "finds the welcome behind the answer to the handshake, in one packet over %s",
    async (transport) => {
      await using alone = await startHub({ args: ["--transport", transport] });
      using client = await dial(alone.port);
      client.send(handshakeHead({ Host: `127.0.0.1:${alone.port}` }));
      await client.reads(/"op":"welcome"/);

      expect(client.chunks).toBe(1);
    },
  );

  it("gets the first dialect of its list that the hub knows", async () => {
    await using json = await JsonClient.connect(hub.wsUrl, {
      protocols: ["ringcast.v2", "ringcast.v1.json", "ringcast.v1.msgpack"],
    });
    await using binary = await BinaryClient.connect(hub.wsUrl, {
      protocols: ["ringcast.v1.msgpack", "ringcast.v1.json"],
    });

    expect([json.socket.protocol, binary.socket.protocol]).toEqual(["ringcast.v1.json", "ringcast.v1.msgpack"]);
  });

  it("gets the JSON dialect where it offers no subprotocol", async () => {
    await using client = await JsonClient.connect(hub.wsUrl, { protocols: [] });

    expect(client.socket.protocol).toBe("");
    expect((await client.request({ op: "ping" })).op).toBe("pong");
  });

  it.each([["ringcast.v2"], ["mqtt"]])("is refused with 400 where it offers only %s", async (protocol) => {
    expect(await refusedStatus(hub.wsUrl, [protocol])).toBe(400);
  });

  it.concurrent("is pinged, and closed when it answers nothing", async () => {
    await using hub = await startHub({ args: ["--ping-interval-ms", "200", "--idle-timeout-ms", "1000"] });
    const socket = new WebSocket(hub.wsUrl, ["ringcast.v1.json"], { autoPong: false });
    let pings = 0;
    socket.on("ping", () => (pings += 1));

    const code = await new Promise<number>((resolve) => socket.once("close", resolve));

    expect(pings).toBeGreaterThan(1);
    expect([1001, 1005, 1006]).toContain(code);
  });

  it.concurrent("stays open while it answers pings", async () => {
    await using hub = await startHub({ args: ["--ping-interval-ms", "200", "--idle-timeout-ms", "600"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    let pings = 0;

    await new Promise<void>((resolve) => client.socket.on("ping", () => ++pings === 8 && resolve()));

    expect((await client.request({ op: "ping" })).op).toBe("pong");
  });
});

function refusedStatus(url: string, protocols: string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols);
    socket.once("unexpected-response", (_request, response) => {
      resolve(response.statusCode);
      response.destroy();
    });
    socket.once("open", () => reject(new Error("The handshake was accepted")));
    socket.once("error", () => undefined);
  });
}
