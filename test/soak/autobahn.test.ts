import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedOf, tryCase } from "../contract/transport/autobahn/case.js";
import { openEcho, type Echo } from "../contract/transport/autobahn/echo.js";
import { LIMITS_CASES } from "../contract/transport/autobahn/limits-cases.js";
import { TRANSPORTS } from "../support/transports.js";

/** The groups 1 to 7 and 10 are a part of `npm test`. */
describe.each(TRANSPORTS)("Autobahn's group 9 over %s", (transport) => {
  let echo: Echo;
  beforeAll(async () => {
    echo = await openEcho(transport);
  });
  afterAll(() => echo[Symbol.asyncDispose]());

  it.each(LIMITS_CASES)("$number: $title", async (each) => {
    expect(await tryCase(echo.port, each, transport)).toEqual(expectedOf(each, transport));
  });
});
