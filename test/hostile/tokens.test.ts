/** K and J33: static tokens, table in cases/tokens.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.js";
import { afterAll } from "vitest";
import { describeCases } from "./case.js";
import { ANA, expectSecret, TOKEN_FILE, TOKENS } from "./cases/tokens.js";
import { expectAllCounted, expectSafeLog } from "./traces.js";

const folder = tempDir();
const tokenFile = join(folder.path, "tokens");
writeFileSync(tokenFile, TOKEN_FILE, { mode: 0o600 });
afterAll(() => folder[Symbol.dispose]());

describeCases("a token", TOKENS, {
  args: ["--token-file", tokenFile],
  token: ANA,
  finally: async ({ hub }) => {
    await expectAllCounted(hub, { authorization: `Bearer ${ANA}` });
    await expectSecret(hub);
    expectSafeLog(hub);
  },
});
