import { describe, expect, it } from "vitest";
import { measureSdk } from "../../../client-sdk/size.mjs";

describe("the SDK for browsers", () => {
  it("takes less than 6 kB, minified and gzipped", async () => {
    const { gzipped } = await measureSdk();
    console.log(`@ringcast/client for browsers: ${gzipped} bytes`);
    expect(gzipped).toBeLessThan(6_000);
  });

  it("asks for nothing of Node", async () => {
    const { code } = await measureSdk();
    expect(code).not.toMatch(/\bimport\b|\brequire\b|\bprocess\b|\bBuffer\.from/);
  });
});
