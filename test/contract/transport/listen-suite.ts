import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createTransport, type TransportName } from "../../../server/src/transport/index.js";
import { until, within } from "../../support/until.js";
import { dial, dialWebSocket } from "../../support/raw-client.js";
import { frameOf, openRig, optionsOfRig } from "./rig.js";

export function listenSuite(name: TransportName): void {
  describe("listening", () => {
    it("refuses a port that another program has", async () => {
      const other = await occupy();
      await using rig = await openRig(name);
      const port = (other.address() as AddressInfo).port;
      const second = await createTransport(name, optionsOfRig, rigHandlers);
      await expect(second.listen("127.0.0.1", port)).rejects.toMatchObject({
        code: "unavailable",
        details: { reason: "EADDRINUSE" },
      });
      await second.close();
      await new Promise((resolve) => other.close(resolve));
      expect(rig.port).toBeGreaterThan(0);
    });

    it("refuses a port that another hub has, and leaves that one alone", async () => {
      await using rig = await openRig(name);
      const second = await createTransport(name, optionsOfRig, rigHandlers);
      await expect(second.listen("127.0.0.1", rig.port)).rejects.toMatchObject({ details: { reason: "EADDRINUSE" } });
      await second.close();
      expect(await (await fetch(`${rig.url}/still`)).text()).toBe("GET /still ");
    });

    it("names an address that this machine doesn't have", async () => {
      const transport = await createTransport(name, optionsOfRig, rigHandlers);
      await expect(transport.listen("192.0.2.1", 0)).rejects.toMatchObject({ details: { reason: "EADDRNOTAVAIL" } });
      await transport.close();
    });

    it("can be reached at the address it was given and at no other", async () => {
      await using rig = await openRig(name);
      await expect(dialAt("127.0.0.2", rig.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
      const outside = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .find((each) => !each.internal && each.family === "IPv4");
      if (outside !== undefined) await expect(dialAt(outside.address, rig.port)).rejects.toThrow();
    });

    it("takes a host name", async () => {
      const transport = await createTransport(name, optionsOfRig, rigHandlers);
      const port = await transport.listen("localhost", 0);
      expect(port).toBeGreaterThan(0);
      await transport.close();
    });

    it("that stops takes nobody new, and those that are there go on", async () => {
      await using rig = await openRig(name);
      const client = new WebSocket(rig.wsUrl);
      const told = await rig.socket();
      rig.transport.stopListening();
      rig.transport.stopListening();
      await until("nobody new is taken", async () => {
        const other = await dial(rig.port).catch(() => undefined);
        other?.socket.destroy();
        return other === undefined;
      });
      const got = new Promise<string>((resolve) => client.once("message", (data: Buffer) => resolve(data.toString())));
      told.socket.send([frameOf("still on")], 1);
      expect(await within("the message", got)).toBe("still on");
    });
  });

  describe("close", () => {
    it("cuts everything, tells every handler once, and can be called twice", async () => {
      await using rig = await openRig(name);
      rig.handle = () => {};
      using socket = await dialWebSocket(rig.port);
      using stalled = await dialWebSocket(rig.port);
      using idle = await dial(rig.port);
      using pending = await dial(rig.port);
      stalled.socket.pause();
      const told = await rig.socket(1);
      while (told.socket.send([frameOf(Buffer.alloc(65_536))], 1) === "open");
      pending.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await until("the request is there", () => rig.exchanges.length === 1);
      await within("close", rig.transport.close(), 4_000);
      await rig.transport.close();
      for (const client of [socket, idle, pending]) await client.closed();
      await until("all are told", () => rig.sockets.every((each) => each.closedWith.length === 1));
      expect(rig.exchanges[0]?.aborted).toBe(true);
    });

    it("lets the last frames and the close code through to those that were told to close", async () => {
      await using rig = await openRig(name);
      const client = new WebSocket(rig.wsUrl);
      const got: string[] = [];
      client.on("message", (data: Buffer) => got.push(data.toString()));
      const closed = new Promise<number>((resolve) => client.once("close", resolve));
      const { socket } = await rig.socket();
      socket.send([frameOf("draining")], 1);
      socket.close(1001, "going away");
      await rig.transport.close();
      expect(await within("the close", closed)).toBe(1001);
      expect(got).toEqual(["draining"]);
    });

    it("ends in bounded time though a peer that was told to close never reads", async () => {
      await using rig = await openRig(name);
      using stalled = await dialWebSocket(rig.port);
      const told = await rig.socket();
      stalled.socket.pause();
      while (told.socket.send([frameOf(Buffer.alloc(65_536))], 1) === "open");
      told.socket.close(1001, "");
      await within("close", rig.transport.close(), 4_000);
      await until("it is told", () => told.closedWith.length === 1);
    });
  });
}

const rigHandlers = {
  handshake: () => ({ accept: false, status: 403, headers: {}, body: "" }) as const,
  request: () => {},
  refused: () => {},
};

async function occupy(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function dialAt(host: string, port: number): Promise<void> {
  const { connect } = await import("node:net");
  const socket = connect({ host, port });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.destroy();
}
