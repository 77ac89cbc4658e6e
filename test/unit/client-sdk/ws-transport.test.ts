/** The transport of Node 20 against a WebSocket server of the same package. */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { FrameData } from "@ringcast/client";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { adaptWs } from "../../../client-sdk/src/transport/ws.js";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });

/** A connection of ours with the server's side of it, and what either has got so far. */
async function connected() {
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const received: FrameData[] = [];
  const opened = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const closed = new Promise<number>((resolve) => opened.once("close", resolve));
  const transport = adaptWs(opened, { received: (data) => received.push(data), closed: () => undefined });
  const [peer] = await accepted;
  await once(opened, "open");
  const seen: string[] = [];
  peer.on("message", (data: Buffer) => seen.push(data.toString()));
  return { transport, opened, closed, peer, seen, received };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

afterAll(() => server.close());
afterEach(() => server.clients.forEach((client) => client.terminate()));

describe("the transport over ws", () => {
  it("sends all frames of a turn in order and in few writes, those of promises too", async () => {
    const { transport, opened, seen } = await connected();
    const { _socket: socket } = opened as unknown as { readonly _socket: Socket };
    const writes = vi.spyOn(socket as unknown as { _writev(...args: unknown[]): void }, "_writev");
    for (let n = 0; n < 100; n++) {
      transport.send(String(n));
      await Promise.resolve();
    }
    await until(() => seen.length === 100);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    expect(writes.mock.calls.length).toBeLessThan(20);
  });

  it("sends what waits before it closes, though the process ends in the same turn", async () => {
    const { transport, opened, closed, seen } = await connected();
    const { _socket: socket } = opened as unknown as { readonly _socket: Socket };
    transport.send("last words");
    transport.close();
    expect(socket.writableCorked).toBe(0);
    await closed;
    expect(seen).toEqual(["last words"]);
  });

  it("hands bytes over as a plain Uint8Array, text as text", async () => {
    const { peer, received } = await connected();
    peer.send(Uint8Array.of(1, 2, 3));
    peer.send("héllo");
    await until(() => received.length === 2);
    expect(Object.getPrototypeOf(received[0])).toBe(Uint8Array.prototype);
    expect(received).toEqual([Uint8Array.of(1, 2, 3), "héllo"]);
  });
});
