import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TRANSPORTS } from "../../../support/transports.js";
import { expectedOf, tryCase } from "./case.js";
import { CASES } from "./cases.js";
import { openEcho, type Echo } from "./echo.js";
import { UTF8_CASES } from "./utf8-cases.js";

const ALL = [...CASES, ...UTF8_CASES];

describe("Autobahn's cases", () => {
  it("of the groups 1 to 7 and 10 are all there, once each", () => {
    expect(new Set(ALL.map(({ number }) => number)).size).toBe(247);
    expect(ALL).toHaveLength(247);
  });

  describe.each(TRANSPORTS)("over %s", (transport) => {
    let echo: Echo;
    beforeAll(async () => {
      echo = await openEcho(transport);
    });
    afterAll(() => echo[Symbol.asyncDispose]());

    it.each(ALL)("$number: $title", async (each) => {
      expect(await tryCase(echo.port, each, transport)).toEqual(expectedOf(each, transport));
    });
  });
});
