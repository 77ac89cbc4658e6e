/** P: HTTP requests, tables in cases/http.ts. */
import { expect } from "vitest";
import { describeCases } from "./case.js";
import { GUARDED_HTTP, HTTP, HTTP_ARGS, HTTP_STORIES, SLOW_HTTP, SLOW_HTTP_ARGS, TOKEN } from "./cases/http.js";
import { UNREAD_BODIES } from "./cases/unread-body.js";
import { expectAllCounted, expectSafeLog, storedIn } from "./traces.js";

describeCases("a request's bytes", [...HTTP, ...HTTP_STORIES, ...UNREAD_BODIES], {
  args: HTTP_ARGS,
  finally: async ({ hub }) => {
    expect(await storedIn(hub)).toEqual([]);
    await expectAllCounted(hub);
    expectSafeLog(hub);
  },
});

describeCases("a token in a wrong place", GUARDED_HTTP, {
  args: ["--token", TOKEN],
  token: TOKEN,
  finally: async ({ hub }) => {
    await expectAllCounted(hub, { Authorization: `Bearer ${TOKEN}` });
    expect(hub.output().stdout + hub.output().stderr).not.toContain(TOKEN);
  },
});

describeCases("a request that doesn't end", SLOW_HTTP, {
  args: SLOW_HTTP_ARGS,
  isConcurrent: true,
  finally: async ({ hub }) => {
    expect(await storedIn(hub)).toEqual([]);
  },
});
