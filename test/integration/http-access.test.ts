import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, type HttpAnswer } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";

const LISTED = "https://app.example";

describe("Origin and Host", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub({ args: ["--allowed-origins", LISTED, "--allowed-hosts", "hub.example"] });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  const from = (origin: string, path = "/v1/topics"): Promise<HttpAnswer> =>
    ask(hub, path, { headers: { Origin: origin } });

  it.each(["http://evil.example", "null", "file://", "http://app.example", "https://app.example.evil.com"])(
    "refuses pages of %s on every route",
    async (origin) => {
      for (const path of ["/", "/healthz", "/metrics", "/v1/topics", "/nowhere"]) {
        const answer = await from(origin, path);
        expect([answer.status, answer.json["code"]]).toEqual([403, "forbidden"]);
        expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      }
    },
  );

  it("refuses a name that somebody pointed here", async () => {
    const answer = await ask(hub, "/healthz", { headers: { Host: `evil.example:${hub.port}` } });
    expect([answer.status, answer.json["code"]]).toEqual([403, "forbidden"]);
    expect((await ask(hub, "/healthz", { headers: { Host: "hub.example" } })).status).toBe(200);
  });

  it("gives CORS headers to a listed origin and nobody else", async () => {
    expect((await from(LISTED)).headers["access-control-allow-origin"]).toBe(LISTED);
    const own = await from(hub.url);
    expect([own.status, own.headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });

  it("answers every preflight with 204, with allow headers for listed origins only", async () => {
    const preflight = (origin: string) =>
      ask(hub, "/v1/topics/t/messages", {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": "POST", Host: "evil.example" },
      });
    const listed = await preflight(LISTED);
    expect([listed.status, listed.headers["access-control-allow-origin"]]).toEqual([204, LISTED]);
    expect(listed.headers["access-control-allow-methods"]).toContain("PUT");
    expect(listed.headers["access-control-allow-headers"]).toContain("Ringcast-Key");
    for (const origin of ["http://evil.example", "null"]) {
      const foreign = await preflight(origin);
      expect(foreign.status).toBe(204);
      expect(Object.keys(foreign.headers).filter((name) => name.startsWith("access-control-allow"))).toEqual([]);
    }
  });

  it("refuses a foreign page's WebSocket in the handshake, takes a listed one's and none", async () => {
    const connect = (headers: Readonly<Record<string, string>>) => JsonClient.connect(hub.wsUrl, { headers });
    await expect(connect({ Origin: "http://evil.example" })).rejects.toThrow("403");
    await expect(connect({ Host: "evil.example" })).rejects.toThrow("403");
    for (const headers of [{ Origin: LISTED }, { Origin: hub.url }, {}])
      await (await connect(headers))[Symbol.asyncDispose]();
  });
});

describe("token", () => {
  const TOKEN = "correct-horse-battery-staple-0123456789";
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub({ args: ["--demo"], env: { RINGCAST_TOKEN: TOKEN } });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  it.each(["/", "/demo", "/sdk/ringcast.js", "/healthz", "/readyz"])("leaves %s open", async (path) => {
    expect((await ask(hub, path)).status).toBe(200);
  });

  it.each(["/metrics", "/v1/topics", "/v1/topics/t/events", "/v1/topics/t/messages", "/demo/replay", "/nowhere"])(
    "guards %s",
    async (path) => {
      const without = await ask(hub, path);
      expect([without.status, without.json["code"]]).toEqual([401, "unauthorized"]);
      expect(without.headers["www-authenticate"]).toBe('Bearer realm="ringcast"');
      expect((await ask(hub, path, { headers: bearer("wrong") })).status).toBe(401);
    },
  );

  it("takes the right token in the header", async () => {
    expect((await ask(hub, "/metrics", { headers: bearer(TOKEN) })).status).toBe(200);
    expect((await ask(hub, "/nowhere", { headers: bearer(TOKEN) })).status).toBe(404);
  });

  it("ignores a token in the query, and no token reaches the log", async () => {
    expect((await ask(hub, `/v1/topics?token=${TOKEN}`)).status).toBe(401);
    await ask(hub, "/v1/topics", { headers: bearer("guessed-and-logged") });
    const { stdout, stderr } = hub.output();
    expect(stdout + stderr).not.toContain(TOKEN);
    expect(stdout + stderr).not.toContain("guessed-and-logged");
  });

  it("takes the token in the handshake of a WebSocket and never echoes it", async () => {
    await using byHeader = await JsonClient.connect(hub.wsUrl, { headers: bearer(TOKEN) });
    expect((await byHeader.request({ op: "publish", topic: "t", data: 1 })).op).toBe("published");
    await using byProtocol = await JsonClient.connect(hub.wsUrl, {
      protocols: ["ringcast.v1.json", `bearer.${TOKEN}`],
    });
    expect(byProtocol.socket.protocol).toBe("ringcast.v1.json");
    expect((await byProtocol.request({ op: "publish", topic: "t", data: 1 })).op).toBe("published");
  });
});

describe("token file", () => {
  it("keeps the producers of two subjects apart", async () => {
    const { chmodSync, writeFileSync } = await import("node:fs");
    const { tempDir } = await import("../support/temp-dir.js");
    using folder = tempDir();
    const path = `${folder.path}/tokens`;
    writeFileSync(path, "ana:token-of-ana\nbob:token-of-bob\n");
    chmodSync(path, 0o600);
    await using hub = await startHub({ args: ["--token-file", path] });
    const publish = (token: string): Promise<HttpAnswer> =>
      ask(hub, "/v1/topics/t/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify({ data: token, producer: { id: "p", sequence: 0 } }),
      });
    expect((await publish("token-of-ana")).json).toMatchObject({ offset: 0 });
    expect((await publish("token-of-bob")).json).toMatchObject({ offset: 1 });
    expect((await publish("token-of-ana")).json).toMatchObject({ offset: 0, duplicate: true });
  });
});
