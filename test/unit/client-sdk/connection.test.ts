import { RingcastError, type StateChange } from "@ringcast/client";
import { describe, expect, it } from "vitest";
import { settle } from "../../support/virtual-runtime.js";
import { connected, dial, subscribed } from "./support.js";

describe("the connection", () => {
  it("asks for the JSON dialect at the hub's route", async () => {
    const { network, hub } = await dial({}, "http://127.0.0.1:7447/");
    expect(network.socket.url).toBe("ws://127.0.0.1:7447/v1/ws");
    expect(network.socket.subprotocol).toBe("ringcast.v1.json");
    expect(hub.state).toBe("connecting");
    await network.socket.welcome();
    await hub.connected();
    expect(hub.state).toBe("connected");
  });

  it.each(["localhost:7447", "ftp://hub", "", "ws://"])("refuses %j as an address", async (url) => {
    await expect(dial({}, url)).rejects.toMatchObject({ code: "bad_request", details: { field: "url" } });
  });

  it.each([
    ["10 s", {}, [250, 500, 1_000, 2_000, 4_000, 8_000, 9_990, 9_990]],
    ["what is asked for", { maxRetryMs: 1_500 }, [250, 500, 1_000, 1_500, 1_500]],
    ["less than the first bound", { maxRetryMs: 100 }, [100, 100]],
  ] as const)("retries within 250 ms after a stable connection, and doubles the bound up to %s", async (...row) => {
    const [, options, bounds] = row;
    const { network, runtime } = await connected(options);
    runtime.chance = 0.999;
    await runtime.advance(6_000);
    await network.socket.cut();
    const waits: number[] = [];
    for (let i = 0; i < bounds.length; i++) {
      const before = network.sockets.length;
      let waited = 0;
      while (network.sockets.length === before) {
        await runtime.advance(10);
        waited += 10;
      }
      waits.push(waited);
      await network.socket.cut();
    }
    expect(waits).toEqual(bounds);
  });

  it("keeps the bound growing while connections die young", async () => {
    const { network, runtime } = await connected();
    runtime.chance = 0.999;
    for (let i = 0; i < 3; i++) {
      await network.socket.cut();
      await runtime.advance(250 * 2 ** i);
      await network.socket.welcome();
    }
    await network.socket.cut();
    await runtime.advance(1_990);
    expect(network.sockets).toHaveLength(4);
    await runtime.advance(10);
    expect(network.sockets).toHaveLength(5);
  });

  it("takes the next address after each loss", async () => {
    const { network, runtime } = await dial({}, ["ws://a", "ws://b"]);
    await network.socket.cut();
    await runtime.advance(250);
    await network.socket.cut();
    await runtime.advance(500);
    expect(network.sockets.map(({ url }) => url)).toEqual(["ws://a/v1/ws", "ws://b/v1/ws", "ws://a/v1/ws"]);
  });

  it("comes back when a draining hub wants it, not before", async () => {
    const { network, runtime } = await connected();
    await network.socket.deliver({ op: "draining", reconnectAfterMs: 3_000 });
    await runtime.advance(1_000);
    await network.socket.cut(1001);
    runtime.wake();
    await runtime.advance(1_999);
    expect(network.sockets).toHaveLength(1);
    await runtime.advance(1);
    expect(network.sockets).toHaveLength(2);
  });

  it.each([
    { reconnectAfterMs: 100, everyMs: 500 },
    { reconnectAfterMs: 2_000, everyMs: 2_000 },
  ])(
    "tries again every $everyMs ms for 30 s when a hub that is restarted is not back after $reconnectAfterMs ms",
    async ({ reconnectAfterMs, everyMs }) => {
      const { network, runtime } = await connected();
      runtime.chance = 0.999;
      await network.socket.deliver({ op: "draining", reconnectAfterMs });
      await network.socket.cut(1001);
      await runtime.advance(reconnectAfterMs);
      for (let waitedMs = 0; waitedMs < 30_000; waitedMs += everyMs) {
        const before = network.sockets.length;
        await network.socket.cut();
        await runtime.advance(everyMs);
        expect(network.sockets).toHaveLength(before + 1);
      }
      await network.socket.cut();
      await runtime.advance(250);
      await network.socket.cut();
      await runtime.advance(490);
      const later = network.sockets.length;
      await runtime.advance(10);
      expect(network.sockets).toHaveLength(later + 1);
    },
  );

  it("dials at once when the page wakes", async () => {
    const { network, runtime } = await connected();
    runtime.chance = 0.9;
    await network.socket.cut();
    runtime.wake();
    await settle();
    expect(network.sockets).toHaveLength(2);
    await runtime.advance(5_000);
    expect(network.sockets).toHaveLength(2);
  });

  it("pings after 15 s of silence and gives a dead socket up 10 s later", async () => {
    const { network, runtime, hub } = await connected();
    const first = network.socket;
    await runtime.advance(14_999);
    expect(first.requests("ping")).toHaveLength(0);
    await runtime.advance(1);
    expect(first.requests("ping")).toHaveLength(1);
    await first.reply("ping", { op: "pong", time: 1 });
    await runtime.advance(24_999);
    expect(hub.state).toBe("connected");
    expect(first.requests("ping")).toHaveLength(2);
    await runtime.advance(1);
    expect(hub.state).toBe("reconnecting");
    expect(first.isClosed).toBe(true);
  });

  it("gives up a handshake without a welcome after 10 s", async () => {
    const { network, runtime } = await dial();
    await runtime.advance(10_125);
    expect(network.sockets).toHaveLength(2);
    expect(network.sockets[0]?.isClosed).toBe(true);
  });

  it("tells each change of state with its reason", async () => {
    const { network, runtime, hub } = await dial();
    const changes: StateChange[] = [];
    hub.on("state", (change) => changes.push(change));
    await network.socket.cut(1006, "connect ECONNREFUSED");
    await runtime.advance(250);
    await network.socket.welcome();
    await network.socket.cut(1001);
    await hub.close();
    expect(changes.map(({ state }) => state)).toEqual(["connecting", "connected", "reconnecting", "closed"]);
    expect(changes[0]?.reason?.message).toContain("ECONNREFUSED");
    expect(changes[1]?.reason).toBeUndefined();
  });

  it("rejects connected() with the reason when nobody answers in time", async () => {
    const { network, runtime, hub } = await dial({ timeoutMs: 1_000 });
    const outcome = expect(hub.connected()).rejects.toMatchObject({ code: "unavailable" });
    await network.socket.cut(1006, "connect ECONNREFUSED");
    await runtime.advance(1_000);
    await outcome;
  });

  it("sends the token before everything else", async () => {
    const { network, hub } = await dial({ token: "a/b=c d" });
    hub.subscribe("t");
    await network.socket.welcome();
    expect(network.socket.sent.map(({ op }) => op)).toEqual(["auth", "subscribe"]);
    expect(network.socket.sent[0]).toMatchObject({ token: "a/b=c d" });
  });

  it("stops for good when the hub refuses a fixed token", async () => {
    const { network, runtime, hub } = await dial({ token: "old" });
    await network.socket.welcome();
    const loop = hub.subscribe("t")[Symbol.asyncIterator]().next();
    const failed = expect(loop).rejects.toMatchObject({ code: "unauthorized", message: "expired" });
    await network.socket.deliver({ op: "error", code: "unauthorized", message: "expired" });
    await network.socket.cut(4401);
    await failed;
    await expect(hub.connected()).rejects.toBeInstanceOf(RingcastError);
    await runtime.advance(60_000);
    expect(hub.state).toBe("closed");
    expect(network.sockets).toHaveLength(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("asks the function for a fresh token, and asks again what the old one was refused", async () => {
    const tokens = ["old", "new"];
    const { network, runtime, hub } = await dial({ token: () => Promise.resolve(tokens.shift() ?? "none") });
    await network.socket.welcome();
    const stored = hub.publish("t", 1);
    const [publish] = network.socket.requests("publish");
    await network.socket.deliver({ op: "error", code: "unauthorized", message: "expired" });
    if (publish !== undefined) await network.socket.refuse(publish, "unauthorized");
    await network.socket.cut(4401);
    await runtime.advance(250);
    await network.socket.welcome();
    expect(network.socket.sent[0]).toMatchObject({ op: "auth", token: "new" });
    const again = network.socket.requests("publish")[0];
    if (again !== undefined) await network.socket.store(again, 0);
    expect(await stored).toMatchObject({ offset: 0 });
  });

  it("stops when a fresh token is refused too", async () => {
    const { network, runtime, hub } = await dial({ token: () => "wrong" });
    await network.socket.cut(4401);
    await runtime.advance(250);
    await network.socket.cut(4401);
    expect(hub.state).toBe("closed");
  });

  it("tries again when the token function fails", async () => {
    let calls = 0;
    const { network, runtime } = await dial({
      token: () => {
        if (++calls === 1) throw new Error("the login server is away");
        return "t";
      },
    });
    expect(network.sockets).toHaveLength(0);
    await runtime.advance(250);
    expect(network.sockets).toHaveLength(1);
  });

  it("makes the connection anew when a frame can't be understood", async () => {
    const { network, runtime, hub } = await connected();
    const loop = hub.subscribe("t");
    await network.socket.reply("subscribe", subscribed(5));
    await network.socket.deliverText("{");
    expect(hub.state).toBe("reconnecting");
    await runtime.advance(250);
    await network.socket.welcome();
    expect(network.socket.requests("subscribe")[0]?.from).toEqual({ positions: { 0: { epoch: "e1", offset: 5 } } });
    await loop.close();
  });

  it("ignores operations and fields that it doesn't know", async () => {
    const { network, hub } = await connected();
    await network.socket.deliver({ op: "weather", id: 99 }, { op: "weather" }, { op: "gap", subscription: 99 });
    expect(hub.state).toBe("connected");
  });

  it("leaves no timer behind when closed", async () => {
    const { runtime, network, hub } = await connected();
    const stored = hub.publish("t", 1);
    hub.subscribe("t");
    const closing = hub.close();
    await network.socket.store(network.socket.requests("publish")[0] as never, 0);
    await stored;
    await closing;
    await hub.close();
    expect(runtime.pendingTimers).toBe(0);
    expect(network.socket.isClosed).toBe(true);
    await expect(hub.publish("t", 2)).rejects.toMatchObject({ code: "unavailable" });
    expect(() => hub.subscribe("t")).toThrow(RingcastError);
  });
});
