/** The machine's power is cut while everybody works: what was `synced` is there, and what is gone is announced to every reader. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { History } from "../fault/history/history.js";
import { cutPower } from "../fault/workload/injections/power.js";
import { run, type RunResult } from "../fault/workload/run.js";
import { startHub } from "../support/hub.js";
import { LoopDevice } from "../support/loop-device.js";
import { programOf, XFSPROGS } from "../support/system-packages.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { addRunRow } from "./rows.js";
import { cycles, SEED } from "./scale.js";

const isRoot = process.getuid?.() === 0;
/** The topic itself must be on the device: it is, a second after it was made. */
const UNTIL_SYNCED_MS = 1_500;
/** Of each file system. XFS makes none that is smaller than 300 MiB. */
const CYCLES = cycles(10, 500);
const DEVICE_BYTES = 384 * 2 ** 20;
const RUN_CYCLES = 50;
const CYCLE_MS = 20_000;
/** Who reads pages is mostly behind what was not synced yet, and seldom told. */
const KINDS = ["json", "msgpack", "sdk", "sse"];

const FILE_SYSTEMS = [
  { fileSystem: "ext4", transport: TRANSPORTS.at(0), isThere: isRoot },
  { fileSystem: "xfs", transport: TRANSPORTS.at(-1), isThere: isRoot && programOf(XFSPROGS) !== undefined },
] as const;

describe(`a machine whose power is cut (RINGCAST_SEED=${SEED}, ${CYCLES} cycles)`, () => {
  for (const { fileSystem, transport = "ws", isThere } of FILE_SYSTEMS) {
    it.skipIf(!isThere)(
      `loses no synced record on ${fileSystem}, and tells readers of every kind what is gone`,
      async () => {
        const results: RunResult[] = [];
        for (let left = CYCLES; left > 0; left -= RUN_CYCLES)
          results.push(await runOn({ fileSystem, transport }, Math.min(left, RUN_CYCLES), SEED + results.length));

        addRunRow(`power: cut, ${fileSystem}`, results);
        expect(results.flatMap(({ anomalies }) => anomalies)).toEqual([]);
        expect(results.flatMap(({ vacuous }) => vacuous)).toEqual([]);
        for (const { history } of results) expect(kindsTold(history)).toEqual(expect.arrayContaining(KINDS));
      },
      60_000 + CYCLES * CYCLE_MS,
    );
  }
});

interface Machine {
  readonly fileSystem: "ext4" | "xfs";
  readonly transport: TransportName;
}

async function runOn({ fileSystem, transport }: Machine, faults: number, seed: number): Promise<RunResult> {
  await using device = new LoopDevice(fileSystem, DEVICE_BYTES);
  // Let go before the device, which it keeps busy.
  await using hub = await startHub({
    data: join(device.path, "data"),
    bootIdFile: device.bootIdFile,
    args: ["--transport", transport],
  });
  const injections = Array.from({ length: faults }, () => cutPower(device));
  return await run({
    hub,
    seed,
    injections,
    demands: { acknowledged: faults * 30, faults },
    settleMs: UNTIL_SYNCED_MS,
  });
}

/** Through what readers were told that records they had, or waited for, are gone. */
function kindsTold(history: History): string[] {
  const kinds = new Map(
    history.flatMap((event) => (event.type === "open" ? [[event.reader, event.via] as const] : [])),
  );
  const told = history.flatMap((event) =>
    event.type === "gap" && event.reason === "epoch" ? [kinds.get(event.reader)] : [],
  );
  return [...new Set(told.filter((kind) => kind !== undefined))].toSorted();
}
