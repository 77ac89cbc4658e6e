import { describe, expect, it } from "vitest";
import { optionsHelp } from "../../../../server/src/config/index.js";
import { nearestName } from "../../../../server/src/config/nearest.js";
import { flagOf, SETTING_KEYS, settingOf, variableOf } from "../../../../server/src/config/schema.js";

describe("settings", () => {
  it.each(SETTING_KEYS)("%s has a legal default and a description", (key) => {
    const setting = settingOf(key);
    expect(setting.schema.safeParse(setting.default).success).toBe(true);
    expect(setting.description).toMatch(/\.$/);
  });

  it.each(SETTING_KEYS.filter((key) => settingOf(key).fileOnly !== true))("the help names the flag of %s", (key) => {
    expect(optionsHelp()).toContain(`  ${flagOf(key)}`);
  });

  it("names its unit at the end of each number with one", () => {
    for (const key of SETTING_KEYS) {
      const { unit } = settingOf(key);
      if (unit === "ms") expect(key).toMatch(/Ms$/);
      if (unit === "bytes") expect(key).toMatch(/Bytes$/);
    }
  });

  it("writes flag and variable after the key", () => {
    expect(flagOf("maxMessageBytes")).toBe("--max-message-bytes");
    expect(variableOf("maxMessageBytes")).toBe("RINGCAST_MAX_MESSAGE_BYTES");
  });
});

describe("nearestName", () => {
  const known = ["port", "host", "maxMessageBytes", "allowedOrigins"];

  it.each([
    ["prot", "port"],
    ["Port", "port"],
    ["max_message_byte", "maxMessageBytes"],
    ["alowedOrigin", "allowedOrigins"],
  ])("takes %s for %s", (given, meant) => {
    expect(nearestName(given, known)).toBe(meant);
  });

  it.each(["", "x", "redis", "constructor", "a".repeat(10_000)])("takes %s for nothing", (given) => {
    expect(nearestName(given, known)).toBeUndefined();
  });
});
