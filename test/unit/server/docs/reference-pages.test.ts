import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REFERENCE_PAGES } from "../../../../server/src/docs/index.js";

describe("reference pages", () => {
  it.each(REFERENCE_PAGES.map(({ file, text }) => [file, text] as const))(
    "docs/%s says what the sources say (npm run docs makes it anew)",
    (file, text) => {
      const committed = readFileSync(new URL(`../../../../docs/${file}`, import.meta.url), "utf8");
      expect(committed).toBe(text());
    },
  );
});
