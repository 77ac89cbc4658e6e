import { describe, expect, test } from "vitest";
import {
  partsOrigin,
  partsTable,
  readParts,
  writeParts,
  type Parts,
  type RowParts,
} from "../../../bench/report/parts.js";
import { referenceTable } from "../../../bench/report/references.js";
import type { RowResult } from "../../../bench/report/result.js";
import { partsOf } from "../../../bench/support/perf-recording.js";
import { tempDir } from "../../support/temp-dir.js";

const EVEN: Parts = { kernel: 0.5, transport: 0.25, script: 0.125, runtime: 0.125 };

function at(commit: string, servers: RowParts["servers"]): RowParts {
  return { commit, date: "2026-01-01T00:00:00Z", servers };
}

const REPORT = `
   100 ;[kernel.kallsyms]         ;[k] _copy_from_iter
    50 ;uws_linux_x64_115.node    ;[.] uWS::Loop::run
    10 ;[JIT] tid 19268           ;[.] 0x00007f7f7c0b2da1
    15 ;node                      ;[.] Builtins_LoadIC
    20 ;node                      ;[.] v8::internal::Scavenger::Process
     5 ;libc.so.6                 ;[.] __memmove_avx512_unaligned_erms
`;

describe("a report of perf", () => {
  test("is divided by where the samples were taken", () => {
    expect(partsOf(REPORT)).toEqual(EVEN);
  });

  test("says nothing where there are few samples", () => {
    expect(partsOf("   12 ;node ;[.] main")).toBeUndefined();
    expect(partsOf("")).toBeUndefined();
  });
});

describe("the parts of rows", () => {
  test("are kept beside what was known of other rows", () => {
    using folder = tempDir();
    writeParts("ingest/16", at("a1", { hub: EVEN }), folder.path);
    writeParts("replay/1", at("a1", { hub: EVEN, other: EVEN }), folder.path);
    writeParts("replay/1", at("b2", { hub: { ...EVEN, kernel: 2 / 3 } }), folder.path);
    const kept = { "ingest/16": at("a1", { hub: EVEN }), "replay/1": at("b2", { hub: { ...EVEN, kernel: 0.667 } }) };
    expect(readParts(folder.path)).toEqual(kept);
    expect(partsOrigin(kept)).toBe("a1 on 2026-01-01, b2 on 2026-01-01");
    expect(readParts(`${folder.path}/nowhere`)).toEqual({});
  });

  test("are shown as times where the row's own time is known", () => {
    const row = {
      ...{ id: "replay/1", title: "replay", unit: "record", figures: ["cpuNs"] },
      series: [{ name: "hub", rounds: [{ cpuNs: 80 }], failures: [] }],
    } as unknown as RowResult;
    const { body } = partsTable([row], {
      "replay/1": at("a1", { hub: EVEN, stranger: EVEN }),
      "replay/2": at("a1", { hub: EVEN }),
    });
    expect(body).toEqual([["replay", "hub", "80.0 ns", "40.0 ns", "20.0 ns", "10.0 ns", "10.0 ns", ""]]);
  });
});

describe("the machine", () => {
  test("is told by what others come to on it", () => {
    const series = (name: string, figures: object): object => ({ name, rounds: [figures], failures: [] });
    const rows = [
      {
        ...{ id: "replay/1", title: "replay", unit: "record" },
        series: [series("Redis", { cpuNs: 676 }), series("Ringcast", { cpuNs: 80 })],
      },
      {
        ...{ id: "ingest/synced-single", title: "synced", unit: "record" },
        series: [series("Redis AOF always", { perSecond: 1_600 })],
      },
    ] as unknown as RowResult[];
    expect(referenceTable(rows).body).toEqual([
      ["synced", "Redis AOF always", "a second", "3,200", "1,600", "2.0", ""],
      ["replay", "Redis", "server CPU a record", "338 ns", "676 ns", "2.0", ""],
    ]);
  });
});
