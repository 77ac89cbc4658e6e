import { describe, expect, it } from "vitest";
import { startInProcess } from "../../../property/delivery/in-process-hub.js";

describe("the limit of connections per address", () => {
  it("refuses one more, until one of them closes", async () => {
    await using hub = await startInProcess({}, { maxConnectionsPerAddress: 2 });
    const first = hub.connect("192.0.2.7");
    hub.connect("192.0.2.7");

    expect(() => hub.connect("192.0.2.7")).toThrow(
      expect.objectContaining({ code: "too_many", details: { limit: 2 } }),
    );
    hub.connect("192.0.2.8");
    first.terminate();
    hub.connect("192.0.2.7");

    expect(() => hub.connect("192.0.2.7")).toThrow();
  });

  it("counts a /64 of IPv6 as one, and a mapped IPv4 address as that", async () => {
    await using hub = await startInProcess({}, { maxConnectionsPerAddress: 1 });
    hub.connect("2001:db8:1:2::1");
    hub.connect("2001:db8:1:3::1");
    hub.connect("192.0.2.7");

    expect(() => hub.connect("2001:db8:1:2:ffff::9")).toThrow();
    expect(() => hub.connect("::ffff:192.0.2.7")).toThrow();
  });

  it.each(["127.0.0.1", "127.1.2.3", "::1"])("leaves %s alone unless told otherwise", async (address) => {
    await using hub = await startInProcess({}, { maxConnectionsPerAddress: 1 });
    hub.connect(address);
    hub.connect(address);

    hub.sessions.configure({ limitLoopback: true });

    expect(() => hub.connect(address)).toThrow();
  });

  it("is none at 0, and can change", async () => {
    await using hub = await startInProcess();
    for (let n = 0; n < 5; n++) hub.connect("192.0.2.7");

    hub.sessions.configure({ maxConnectionsPerAddress: 5 });

    expect(() => hub.connect("192.0.2.7")).toThrow();
  });
});
