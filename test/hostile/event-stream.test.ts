/** S: event streams, tables in cases/event-stream.ts. */
import { afterAll, expect } from "vitest";
import { tempDir } from "../support/temp-dir.js";
import { TRANSPORTS } from "../support/transports.js";
import { describeCases } from "./case.js";
import { EVENT_STREAM_ARGS, EVENT_STREAMS, guardedArgs, guardedStreams, STAYING } from "./cases/event-stream.js";
import { expectAllCounted, storedIn } from "./traces.js";

describeCases("an event stream", EVENT_STREAMS, {
  args: EVENT_STREAM_ARGS,
  finally: async ({ hub }) => {
    expect(await storedIn(hub)).toEqual([]);
    await expectAllCounted(hub);
  },
});

for (const transport of TRANSPORTS) {
  const folder = tempDir();
  afterAll(() => folder[Symbol.dispose]());
  describeCases("an event stream with a token", guardedStreams(folder.path), {
    args: guardedArgs(folder.path),
    token: STAYING,
    transports: [transport],
  });
}
