import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../../../../server/src/log/catalogue/changes.js";
import { Journal } from "../../../../server/src/log/catalogue/journal.js";
import { NodeDisk } from "../../../../server/src/log/disk/index.js";
import { tempDir } from "../../../support/temp-dir.js";

/** Entries are so long that each of their bytes can be tried. */
const NAMES = ["a", "b", "c"];
const HEAD_BYTES = 16;
const SEQUENCE_AT = 8;

let root: ReturnType<typeof tempDir>;
let file: string;
/** A journal of three entries of the same length. */
let intact: Buffer;

beforeEach(() => {
  root = tempDir();
  file = join(root.path, "journal.0");
  const journal = new Journal(new NodeDisk(), root.path, -1);
  for (const name of NAMES) journal.append({ do: "open", name, partition: 0 });
  intact = readFileSync(file);
  journal.close();
});
afterEach(() => root[Symbol.dispose]());

/** What a journal of these bytes has, and what it tells of its flaws. */
function opened(bytes: Buffer): { names: string[]; flaws: { at: number; isDamage: boolean }[] } {
  writeFileSync(file, bytes);
  const journal = new Journal(new NodeDisk(), root.path, -1);
  const names = journal.found.map(({ name }: Change) => name);
  const flaws = journal.flaws.map(({ at, isDamage }) => ({ at, isDamage }));
  journal.close();
  return { names, flaws };
}

/** A disk that has each of its files refuse to be emptied. */
class StubbornDisk extends NodeDisk {
  override openOrCreate(path: string): ReturnType<NodeDisk["openOrCreate"]> {
    const file = super.openOrCreate(path);
    file.truncate = () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    return file;
  }
}

describe("a journal", () => {
  it("closes, and is passed over by the next start, when its files can't be emptied", async () => {
    const journal = new Journal(new StubbornDisk(), root.path, -1);
    const through = journal.newest;
    journal.settled(Promise.resolve());
    await Promise.resolve();
    journal.close();
    const next = new Journal(new NodeDisk(), root.path, through);
    expect(next.found).toEqual([]);
    next.close();
  });

  it("has all entries that are whole, wherever its file ends", () => {
    const length = intact.length / NAMES.length;
    expect(opened(intact)).toEqual({ names: NAMES, flaws: [] });
    for (let end = 0; end < intact.length; end++) {
      const whole = Math.floor(end / length);
      const rest = end - whole * length;
      // A few bytes may stand there from before; from the head on an entry can be told.
      const isTold = whole === 0 ? rest > 0 : rest >= HEAD_BYTES;
      const flaws = isTold ? [{ at: whole * length, isDamage: whole === 0 }] : [];
      expect(opened(intact.subarray(0, end))).toEqual({ names: NAMES.slice(0, whole), flaws });
    }
  });

  it("has the entries behind a damaged one, and tells where that one is", () => {
    const length = intact.length / NAMES.length;
    for (let at = 0; at < intact.length; at++) {
      const bytes = Buffer.from(intact);
      bytes[at] = (bytes[at] as number) ^ 0xff;
      const entry = Math.floor(at / length);
      const place = at - entry * length;
      const isLast = entry === NAMES.length - 1;
      // Without its sequence the last one can't be told from what stood there before.
      const isTold = !isLast || place < SEQUENCE_AT || place >= HEAD_BYTES;
      const flaws = isTold ? [{ at: entry * length, isDamage: !isLast }] : [];
      expect(opened(bytes)).toEqual({ names: NAMES.filter((_, i) => i !== entry), flaws });
    }
  });
});
