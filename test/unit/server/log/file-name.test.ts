import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileNameOf } from "../../../../server/src/log/file-name.js";

describe("the file name of a log", () => {
  it("can be read for usual topics", () => {
    expect(fileNameOf("chat.lobby-1", 0)).toBe("t.chat.lobby-1.0.ring");
  });

  it("differs for topics that differ in case alone, also where case is ignored", () => {
    expect(fileNameOf("A", 0).toLowerCase()).not.toBe(fileNameOf("a", 0).toLowerCase());
  });

  it("escapes everything that means something to a file system", () => {
    expect(fileNameOf("$hub.é:@", 3)).toBe("t.%24hub.%c3%a9%3a%40.3.ring");
    expect(fileNameOf("../../etc/passwd", 0)).not.toContain("/");
  });

  it("stays within the limit of names and tells long topics apart", () => {
    const long = "É".repeat(120);
    expect(fileNameOf(long, 1_023).length).toBeLessThan(200);
    expect(fileNameOf(`${long}a`, 0)).not.toBe(fileNameOf(`${long}b`, 0));
  });

  it("is never shared by two topics", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.string({ unit: "grapheme", maxLength: 60 }),
        (a, b) => {
          if (Buffer.from(a).equals(Buffer.from(b))) return;
          expect(fileNameOf(a, 0).toLowerCase()).not.toBe(fileNameOf(b, 0).toLowerCase());
        },
      ),
    );
  });
});
