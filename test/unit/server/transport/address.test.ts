import { describe, expect, it } from "vitest";
import { addressFromBytes, plainAddress } from "../../../../server/src/transport/address.js";

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

describe("addressFromBytes", () => {
  it.each([
    ["7f000001", "127.0.0.1"],
    ["00000000000000000000ffff7f000001", "127.0.0.1"],
    ["00000000000000000000000000000001", "::1"],
    ["00000000000000000000000000000000", "::"],
    ["20010db8000000000000000000000001", "2001:db8::1"],
    ["20010db8000100000001000000000001", "2001:db8:1:0:1::1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["fe800000000000001234567890abcdef", "fe80::1234:5678:90ab:cdef"],
    ["", ""],
  ])("writes %s as %s", (hex, text) => {
    expect(addressFromBytes(bytes(hex))).toBe(text);
  });
});

describe("plainAddress", () => {
  it("shows an IPv4 address mapped into IPv6 as IPv4 and leaves others alone", () => {
    expect(plainAddress("::ffff:10.1.2.3")).toBe("10.1.2.3");
    expect(plainAddress("10.1.2.3")).toBe("10.1.2.3");
    expect(plainAddress("::1")).toBe("::1");
    expect(plainAddress("::ffff:0:1")).toBe("::ffff:0:1");
  });
});
