import { DEFAULT_LIMITS } from "@ringcast/protocol";
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../../../server/src/session/dialects.js";
import { Welcome } from "../../../../server/src/session/welcome.js";

const server = "ringcast/0.1.0";
const instance = "aaaa-bbbb-cccc";
const limits = DEFAULT_LIMITS;

describe.each(DIALECTS)("the first frame of a connection in $name", (dialect) => {
  it("is what its dialect makes of it, whatever id and time come after each other", () => {
    const welcome = new Welcome({ server, instance, limits });
    for (const time of [1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001, 5]) {
      for (const connection of ["0-abcdefghijkl", "1-bbbbbbbbbbbb", "zz-aaaaaaaaaaaa", "aaaa-bbbb-cccc"]) {
        const frame = { op: "welcome", protocol: 1, server, connection, instance, limits, time } as const;
        const bytes = Buffer.from(welcome.bytes(dialect, connection, time));
        expect(bytes).toEqual(Buffer.from(dialect.encode(frame).bytes));
      }
    }
  });
});
