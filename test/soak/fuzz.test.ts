/** Each decoder under inputs that are nearly good: an answer of its kind to everything, the same answer as another implementation, and nothing kept. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { memoryDir } from "../support/temp-dir.js";
import { BINARY_DECODERS } from "./fuzz/binary.js";
import { JSON_DECODERS } from "./fuzz/json.js";
import { NAME_DECODERS } from "./fuzz/names.js";
import { settingDecoders } from "./fuzz/settings.js";
import { addRow, NOTHING } from "./rows.js";
import { amount, FIRST_SEED } from "./scale.js";

const INPUTS = amount(100_000, 1_000_000);
/** A decoder that keeps something keeps it a hundred thousand times. */
const MOST_GROWTH_BYTES = 8 * 1024 ** 2;

/** Each input of one decoder is a file. */
const folder = memoryDir();
mkdirSync(join(folder.path, "empty"));
afterAll(() => folder[Symbol.dispose]());

const DECODERS = [...JSON_DECODERS, ...BINARY_DECODERS, ...NAME_DECODERS, ...settingDecoders(folder.path)];

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe(`decoders (RINGCAST_SEED=${FIRST_SEED}, ${INPUTS} inputs)`, () => {
  it.each(DECODERS)("$name", { timeout: 600_000 }, (decoder) => {
    decoder.run(Math.ceil(INPUTS / 20), FIRST_SEED + 1);
    collect();
    const before = process.memoryUsage().heapUsed;

    const { taken, refused } = decoder.run(INPUTS, FIRST_SEED);

    collect();
    const grown = process.memoryUsage().heapUsed - before;
    addRow({
      fault: `fuzz: ${decoder.name}`,
      cycles: 1,
      operations: INPUTS,
      acknowledged: taken,
      delivered: 0,
      ...NOTHING,
    });
    expect(taken + refused).toBe(INPUTS);
    expect(Math.min(taken, refused)).toBeGreaterThan(INPUTS / 100);
    expect(grown).toBeLessThan(MOST_GROWTH_BYTES);
  });
});
