/** W: WebSocket framing, tables in cases/web-socket.ts. */
import { expect } from "vitest";
import { describeCases } from "./case.js";
import { SLOW_ARGS, SLOW_WEB_SOCKET, WEB_SOCKET, WEB_SOCKET_ARGS } from "./cases/web-socket.js";
import { expectAllCounted, storedIn } from "./traces.js";

describeCases("a WebSocket", WEB_SOCKET, {
  args: WEB_SOCKET_ARGS,
  finally: async ({ hub }) => {
    expect(await storedIn(hub)).toEqual([]);
    await expectAllCounted(hub);
  },
});

describeCases("a WebSocket that goes nowhere", SLOW_WEB_SOCKET, { args: SLOW_ARGS, isConcurrent: true });
