import { describe, expect, it } from "vitest";
import { isLoopbackAddress, judgeOrigin, type OriginPolicy } from "../../../../server/src/auth/index.js";

const LOCAL: OriginPolicy = { host: "127.0.0.1", port: 7447, allowedOrigins: [], allowedHosts: [] };
const OPEN: OriginPolicy = { ...LOCAL, host: "0.0.0.0" };
const HOST = "127.0.0.1:7447";

describe("judgeOrigin", () => {
  it.each(["127.0.0.1:7447", "localhost:7447", "LOCALHOST:7447", "[::1]:7447", "127.0.0.2:7447", "localhost"])(
    "serves the loopback Host %s",
    (host) => {
      expect(judgeOrigin(LOCAL, undefined, host)).toBeUndefined();
    },
  );

  it.each([
    "evil.example",
    "evil.example:7447",
    "127.0.0.1.evil.example:7447",
    "localhost.evil.example:7447",
    "localhost:80",
    "127.0.0.1:74470",
    "192.168.1.5:7447",
    "user@localhost:7447",
    "localhost:7447, evil.example",
    "",
    undefined,
  ])("refuses the Host %s on a loopback address", (host) => {
    expect(judgeOrigin(LOCAL, undefined, host)).toContain("Host");
  });

  it("serves a Host that is listed, with any port or with the one listed", () => {
    const policy = { ...LOCAL, allowedHosts: ["hub.example", "localhost:8080"] };
    expect(judgeOrigin(policy, undefined, "hub.example:1234")).toBeUndefined();
    expect(judgeOrigin(policy, undefined, "Hub.example")).toBeUndefined();
    expect(judgeOrigin(policy, undefined, "localhost:8080")).toBeUndefined();
    expect(judgeOrigin(policy, undefined, "localhost:8081")).toBeDefined();
  });

  it("serves any Host on an address that others can reach", () => {
    expect(judgeOrigin(OPEN, undefined, "hub.example")).toBeUndefined();
  });

  it.each(["http://127.0.0.1:7447", "http://localhost:7447", "http://[::1]:7447"])(
    "takes the hub's own Origin %s",
    (origin) => {
      expect(judgeOrigin(LOCAL, origin, HOST)).toBeUndefined();
    },
  );

  it("takes the hub's own Origin behind a proxy that speaks TLS", () => {
    expect(judgeOrigin(OPEN, "https://hub.example", "hub.example")).toBeUndefined();
  });

  it.each([
    "http://evil.example",
    "null",
    "file://",
    "",
    "http://127.0.0.1:8080",
    "http://127.0.0.1",
    "http://127.0.0.1:7447.evil.example",
    "http://evil.example/127.0.0.1:7447",
    "http://evil.example@127.0.0.1:7447",
    "chrome-extension://abc",
  ])("refuses the foreign Origin %j", (origin) => {
    expect(judgeOrigin(LOCAL, origin, HOST)).toContain("allowedOrigins");
  });

  it("takes a listed Origin to the letter", () => {
    const policy = { ...LOCAL, allowedOrigins: ["https://good.example"] };
    expect(judgeOrigin(policy, "https://good.example", HOST)).toBeUndefined();
    expect(judgeOrigin(policy, "https://GOOD.example", HOST)).toBeUndefined();
    for (const near of ["http://good.example", "https://good.example.evil.com", "https://good.example:444"]) {
      expect(judgeOrigin(policy, near, HOST)).toBeDefined();
    }
  });

  it("takes every Origin where all are allowed, but not a foreign Host", () => {
    const policy = { ...LOCAL, allowedOrigins: ["*"] };
    expect(judgeOrigin(policy, "http://evil.example", HOST)).toBeUndefined();
    expect(judgeOrigin(policy, "http://evil.example:7447", "evil.example:7447")).toBeDefined();
  });
});

describe("isLoopbackAddress", () => {
  it("knows the forms that sockets and settings give", () => {
    for (const address of ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"]) {
      expect(isLoopbackAddress(address)).toBe(true);
    }
    for (const address of ["0.0.0.0", "10.0.0.1", "::", "1127.0.0.1", "127.example", ""]) {
      expect(isLoopbackAddress(address)).toBe(false);
    }
  });
});
