import { describe, expect, it } from "vitest";
import { judgeHandshake, judgeRequest, MAX_HEADERS, wantsWebSocket } from "../../../../server/src/transport/guard.js";
import { RequestHead } from "../../../../server/src/transport/request-head.js";

const HANDSHAKE = {
  host: "a",
  connection: "keep-alive, Upgrade",
  upgrade: "WebSocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

function head(headers: Readonly<Record<string, string>>, method = "GET"): RequestHead {
  return new RequestHead(method, "/x", "", Object.entries(headers).flat());
}

describe("judgeRequest", () => {
  it("lets through what can be read in one way only", () => {
    expect(judgeRequest(head({ host: "a" }), "/x")).toBeUndefined();
    expect(judgeRequest(head({ host: "a", "content-length": "0" }, "POST"), "/x")).toBeUndefined();
    expect(judgeRequest(head({ host: "a", "transfer-encoding": "Chunked" }, "POST"), "/x")).toBeUndefined();
    expect(judgeRequest(head({ host: "a" }, "OPTIONS"), "*")).toBeUndefined();
  });

  it("lets an absolute target through when it names the same host, whatever its case", () => {
    expect(judgeRequest(head({ host: "Hub:80" }), "http://hub:80/x?y")).toBeUndefined();
    expect(judgeRequest(head({ host: "hub" }), "http://hub@evil/x")).toMatchObject({ status: 400 });
    expect(judgeRequest(head({ host: "hub" }), "ftp://hub/x")).toMatchObject({ status: 400 });
  });

  it("counts headers up to its limit", () => {
    const many = (count: number): RequestHead =>
      new RequestHead("GET", "/", "", ["host", "a", ...Array.from({ length: count - 1 }, () => ["a", "b"]).flat()]);
    expect(judgeRequest(many(MAX_HEADERS), "/")).toBeUndefined();
    expect(judgeRequest(many(MAX_HEADERS + 1), "/")).toMatchObject({ status: 431 });
  });

  it("shows the offending value, shortened", () => {
    const refusal = judgeRequest(head({ host: "a", "content-length": "9".repeat(200) }), "/x");
    expect(refusal?.message).toMatch(/^Content-Length must be a number of bytes, not "9{63,64}"?…/);
  });
});

describe("judgeHandshake", () => {
  it("lets a well-formed one through, whatever the case of its tokens", () => {
    expect(wantsWebSocket(head(HANDSHAKE))).toBe(true);
    expect(judgeHandshake(head(HANDSHAKE))).toBeUndefined();
  });

  it.each([
    [{ connection: "keep-alive" }, 400],
    [{ "sec-websocket-version": "12" }, 426],
    [{ "sec-websocket-version": "" }, 426],
    [{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZR==" }, 400],
    [{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=" }, 400],
  ])("refuses %o with %i", (change, status) => {
    expect(judgeHandshake(head({ ...HANDSHAKE, ...change }))).toMatchObject({ status });
  });

  it("doesn't take another upgrade for a WebSocket", () => {
    expect(wantsWebSocket(head({ ...HANDSHAKE, upgrade: "h2c" }))).toBe(false);
    expect(wantsWebSocket(head({ host: "a" }))).toBe(false);
  });
});

describe("RequestHead", () => {
  it("takes 8 KiB of commas and spaces apart in no time", () => {
    const list = head({ "sec-websocket-protocol": " , ".repeat(2_700) + "a" });
    expect(list.list("sec-websocket-protocol")).toEqual(["a"]);
  });

  it("finds an entry wherever it stands, in whatever case, and no part of one", () => {
    const holds = (connection: string): boolean => head({ connection }).lists("connection", "upgrade");
    for (const value of ["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,x", " , upgrade , "]) {
      expect(holds(value), value).toBe(true);
    }
    for (const value of ["", "keep-alive", "upgrades", "up,grade", "x,upgrad", "close, upgrade2"]) {
      expect(holds(value), value).toBe(false);
    }
    expect(head({ host: "a" }).lists("connection", "upgrade")).toBe(false);
  });
});
