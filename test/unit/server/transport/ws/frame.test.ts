import { describe, expect, it } from "vitest";
import { encodeFrame, wireOf } from "../../../../../server/src/transport/ws/frame.js";

describe("encodeFrame", () => {
  it.each([
    [0, "8200"],
    [1, "8201"],
    [125, "827d"],
    [126, "827e007e"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
  ])("writes the header for %i bytes as RFC 6455 wants it", (length, header) => {
    const payload = Buffer.alloc(length, 9);
    const wire = Buffer.from(encodeFrame(payload, true));
    expect(wire.toString("hex", 0, header.length / 2)).toBe(header);
    expect(wire.subarray(header.length / 2).equals(payload)).toBe(true);
  });

  it("marks text", () => {
    expect(Buffer.from(encodeFrame(Buffer.from("Hello"), false)).toString("hex")).toBe("810548656c6c6f");
  });
});

describe("wireOf", () => {
  it("builds the wire form once, as a copy", () => {
    const frame = { bytes: Buffer.from("abc"), binary: false, volatile: true };
    const wire = wireOf(frame);
    frame.bytes.fill(0);
    expect(Buffer.from(wire).toString("latin1", 2)).toBe("abc");
    expect(wireOf(frame)).toBe(wire);
  });
});
