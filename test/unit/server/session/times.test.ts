import { describe, expect, it } from "vitest";
import { startInProcess } from "../../../property/delivery/in-process-hub.js";

describe("the times of a connection", () => {
  it("begin when it opens, however long the hub had none before", async () => {
    await using hub = await startInProcess({ idleTimeoutMs: 1_000, pingIntervalMs: 400 });
    hub.connect().terminate();
    hub.runtime.advance(60_000);

    const client = hub.connect();
    hub.runtime.advance(300);
    const pingsEarly = client.pings;
    hub.runtime.advance(600);

    expect([pingsEarly, client.pings, client.closeCode]).toEqual([0, 2, undefined]);
  });

  it("are over no sooner than they say, and soon after", async () => {
    await using hub = await startInProcess({ idleTimeoutMs: 1_000, pingIntervalMs: 400 });
    hub.connect();
    hub.runtime.advance(50);
    const client = hub.connect();
    hub.runtime.advance(90);
    client.handler?.alive();

    hub.runtime.advance(990);
    const early = client.closeCode;
    hub.runtime.advance(210);

    expect([early, client.closeCode]).toEqual([undefined, 1001]);
  });

  it("are over for a peer that doesn't answer the close frame after five seconds, whenever it was sent", async () => {
    await using hub = await startInProcess({ idleTimeoutMs: 1_000, pingIntervalMs: 400 });
    for (const offsetMs of [0, 37, 99]) {
      const client = hub.connect();
      hub.runtime.advance(offsetMs);
      client.handler?.oversized();
      hub.runtime.advance(4_900);
      const early = client.isCut;
      hub.runtime.advance(300);

      expect([client.closeCode, early, client.isCut]).toEqual([1009, false, true]);
    }
  });
});
