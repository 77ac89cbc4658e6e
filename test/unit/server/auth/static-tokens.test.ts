import { describe, expect, it } from "vitest";
import {
  createStaticAuthenticator,
  tokenOfHeader,
  tokenOfSubprotocols,
  type Authenticator,
  type Identity,
  type Verdict,
} from "../../../../server/src/auth/index.js";

const STRANGER = "203.0.113.7";
const FREE_ATTEMPTS = 10;

describe("static tokens", () => {
  let nowMs = 0;

  function authenticator(): Authenticator {
    nowMs = 0;
    return createStaticAuthenticator(
      [
        { subject: "ana", token: "first-token" },
        { subject: "bob", token: "second-token" },
      ],
      () => nowMs,
    );
  }

  function guess(auth: Authenticator, times: number, address = STRANGER): void {
    for (let i = 0; i < times; i++) auth.verify(`guess-${i}`, address);
  }

  it("names the subject of each token", () => {
    const auth = authenticator();
    expect(auth.required).toBe(true);
    expect(auth.verify("first-token", STRANGER)).toEqual({
      accepted: true,
      identity: { subject: "ana", expires: null },
    });
    expect(auth.verify("second-token", STRANGER)).toMatchObject({ identity: { subject: "bob" } });
  });

  it.each(["", "first-toke", "first-token ", "FIRST-TOKEN", "x".repeat(1_000_000)])(
    "refuses a wrong token",
    (token) => {
      expect(authenticator().verify(token, STRANGER)).toEqual({ accepted: false, retryAfterMs: 0 });
    },
  );

  it("wants none where none is set", () => {
    const auth = createStaticAuthenticator([], () => 0);
    expect(auth.required).toBe(false);
    expect(auth.verify("anything", STRANGER)).toMatchObject({ accepted: true });
  });

  it("makes an address wait after too many wrong tokens, even with the right one, and forgives with time", () => {
    const auth = authenticator();
    guess(auth, FREE_ATTEMPTS - 1);
    expect(auth.retryAfterMs(STRANGER)).toBe(0);
    guess(auth, 1);
    const verdict = auth.verify("first-token", STRANGER);
    expect(verdict).toEqual({ accepted: false, retryAfterMs: 6000 });
    nowMs += 6000;
    expect(auth.verify("first-token", STRANGER)).toMatchObject({ accepted: true });
  });

  it("slows down one address and no other", () => {
    const auth = authenticator();
    guess(auth, 100);
    expect(auth.retryAfterMs("203.0.113.8")).toBe(0);
  });

  it("never slows down loopback addresses, which all users of a proxy share", () => {
    const auth = authenticator();
    guess(auth, 100, "127.0.0.1");
    expect(auth.verify("first-token", "127.0.0.1")).toMatchObject({ accepted: true });
  });

  it("remembers a bounded number of addresses and forgets the oldest", () => {
    const auth = authenticator();
    guess(auth, FREE_ATTEMPTS);
    for (let i = 0; i < 10_000; i++) auth.verify("guess", `2001:db8:1:${i}::1`);
    expect(auth.retryAfterMs(STRANGER)).toBe(0);
  });
});

describe("where a token is", () => {
  it("reads the Authorization header", () => {
    expect(tokenOfHeader("Bearer abc")).toBe("abc");
    expect(tokenOfHeader("bearer   abc ")).toBe("abc");
    for (const header of [undefined, "", "Bearer", "Basic abc", "Bearer a b"])
      expect(tokenOfHeader(header)).toBeUndefined();
  });

  it("reads the subprotocols", () => {
    expect(tokenOfSubprotocols(["ringcast.v1.json", "bearer.abc.def"])).toBe("abc.def");
    expect(tokenOfSubprotocols(["ringcast.v1.json"])).toBeUndefined();
  });

  it("can be replaced: what stays goes on, what is gone is told", () => {
    const auth = createStaticAuthenticator(
      [
        { token: "first-token", subject: "ann" },
        { token: "second-token", subject: "bob" },
      ],
      () => 0,
    );
    const before = ["first-token", "second-token"].map((token) => accepted(auth.verify(token, STRANGER)));

    auth.replace([
      { token: "second-token", subject: "bob" },
      { token: "first-token", subject: "cid" },
    ]);

    expect(before.map((identity) => auth.isValid(identity))).toEqual([false, true]);
    expect(accepted(auth.verify("first-token", STRANGER)).subject).toBe("cid");
  });

  it("don't begin or end to be required while the hub runs", () => {
    const open = createStaticAuthenticator([], () => 0);
    const guarded = createStaticAuthenticator([{ token: "t", subject: "s" }], () => 0);

    expect(() => open.replace([{ token: "t", subject: "s" }])).toThrow(expect.objectContaining({ code: "conflict" }));
    expect(() => guarded.replace([])).toThrow(expect.objectContaining({ code: "conflict" }));
  });
});

function accepted(verdict: Verdict): Identity {
  if (!verdict.accepted) throw new Error("The token was refused");
  return verdict.identity;
}
