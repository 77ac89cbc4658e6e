/** H: handshakes, tables in cases/handshake.ts. */
import { expect } from "vitest";
import { describeCases } from "./case.js";
import {
  HANDSHAKE_ARGS,
  HANDSHAKES,
  MANY_HANDSHAKES,
  MANY_HANDSHAKES_ARGS,
  SLOW_HANDSHAKE_ARGS,
  SLOW_HANDSHAKES,
} from "./cases/handshake.js";
import { expectAllCounted, storedIn } from "./traces.js";

describeCases("a handshake", HANDSHAKES, {
  args: HANDSHAKE_ARGS,
  finally: async ({ hub }) => {
    expect(await storedIn(hub)).toEqual([]);
    await expectAllCounted(hub);
  },
});

describeCases("a handshake that goes nowhere", SLOW_HANDSHAKES, { args: SLOW_HANDSHAKE_ARGS, isConcurrent: true });

describeCases("handshakes without end", MANY_HANDSHAKES, { args: MANY_HANDSHAKES_ARGS });
