import type Fs from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { openStore } from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";

/** What statfs(2) says of every directory; undefined: the truth. */
const told = vi.hoisted(() => ({ type: undefined as number | undefined }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const statfsSync = (path: string): object => {
    const real = fs.statfsSync(path);
    return Object.assign(real, { type: told.type ?? real.type });
  };
  return { ...fs, statfsSync };
});

describe("a data directory on a network file system", () => {
  it.each([
    ["NFS", 0x6969],
    ["SMB", 0x517b],
    ["CIFS", 0xff534d42],
    ["SMB2", 0xfe534d42],
  ])("is refused: %s", async (_, type) => {
    using root = tempDir();
    told.type = type;
    await expect(openStore(root.path)).rejects.toMatchObject({ code: "unavailable", details: { field: "data" } });
    await expect(openStore(root.path)).rejects.toThrow("is on a network file system: choose a local one");
    told.type = undefined;
    await (await openStore(root.path)).store.close();
  });
});
