import { describe, expect, it } from "vitest";
import { ENTRIES, measureSdk } from "../../../client-sdk/size.mjs";

describe.each(ENTRIES)("$entry for browsers", ({ entry, source, limit }) => {
  it(`takes less than ${limit} bytes, minified and gzipped`, async () => {
    const { gzipped } = await measureSdk(source);
    console.log(`${entry} for browsers: ${gzipped} bytes`);
    expect(gzipped).toBeLessThan(limit);
  });

  it("asks for nothing of Node, and makes no code at run time", async () => {
    const { code } = await measureSdk(source);
    expect(code).not.toMatch(/\bimport\b|\brequire\b|\bprocess\b|\bBuffer\.from|\beval\b|\bFunction\(/);
  });
});
