import { describe, expect, it } from "vitest";
import { chooseDialect, tokenOf } from "../../../../server/src/session/handshake.js";

describe("the subprotocol of a handshake", () => {
  it.each([
    [[], undefined],
    [["ringcast.v1.json"], "ringcast.v1.json"],
    [["ringcast.v1.msgpack"], "ringcast.v1.msgpack"],
    [["ringcast.v1.msgpack", "ringcast.v1.json"], "ringcast.v1.msgpack"],
    [["ringcast.v2", "bearer.secret", "ringcast.v1.json", "ringcast.v1.msgpack"], "ringcast.v1.json"],
    [["bearer.secret"], undefined],
    [["bearer.secret", "ringcast.v1.json"], "ringcast.v1.json"],
  ])("of %j is %s", (offered, chosen) => {
    expect(chooseDialect(offered).subprotocol).toBe(chosen);
  });

  it.each([[["ringcast.v2.json"]], [["mqtt", "bearer.secret"]]])("of %j is refused, without the token", (offered) => {
    expect(() => chooseDialect(offered)).toThrow(expect.objectContaining({ code: "bad_request" }));
    expect(() => chooseDialect(offered)).not.toThrow(/secret/);
  });
});

describe("the token of a handshake", () => {
  it.each([
    [undefined, [], undefined],
    ["Bearer secret", [], "secret"],
    ["bearer  secret ", ["bearer.other"], "secret"],
    ["Basic secret", ["bearer.other"], ""],
    [undefined, ["ringcast.v1.json", "bearer.secret"], "secret"],
  ])("with Authorization %j and subprotocols %j is %j", (authorization, subprotocols, token) => {
    expect(tokenOf({ authorization, subprotocols, remoteAddress: "" })).toBe(token);
  });
});
