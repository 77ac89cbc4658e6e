import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogStore, RingLog } from "../../../server/src/log/index.js";
import { append, copyAsKilled, firstLog, message, openStore, readAll, SMALL } from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";
import { ManualRuntime } from "../../support/manual-runtime.js";

const SECOND_MS = 1_000;

interface Limits {
  readonly retentionMs: number;
  readonly retentionRecords: number;
}
type Step =
  | { readonly do: "append"; readonly count: number; readonly bytes: number }
  | { readonly do: "wait"; readonly seconds: number }
  | ({ readonly do: "configure" } & Limits)
  | { readonly do: "reopen" }
  | { readonly do: "kill" };

/** Ages end half-way between the moments at which the model looks: the wheel needs up to two tenths of a second. */
const age = fc.oneof(
  fc.constant(0),
  fc.nat(20).map((seconds) => seconds * SECOND_MS + SECOND_MS / 2),
);
const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.oneof(fc.nat(40), fc.nat(1_000)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 15 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("configure" as const), retentionMs: age, retentionRecords: count }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
);

/** A store beside the times of everything ever appended. */
class Pair {
  readonly #root: string;
  readonly #runtime = new ManualRuntime();
  readonly #times: number[] = [];
  #directory = "";
  #opened = 0;
  #limits: Limits = { retentionMs: 0, retentionRecords: 0 };
  /** What the model says; a tail never runs back. */
  #tail = 0;
  store!: LogStore;

  constructor(root: string) {
    this.#root = root;
  }

  async start(): Promise<void> {
    this.#directory = this.#newDirectory();
    await this.#open();
    this.store.createTopic("t", SMALL);
  }

  async run(next: Step): Promise<void> {
    switch (next.do) {
      case "append":
        this.#append(next.count, next.bytes);
        break;
      case "wait":
        this.#runtime.advance(next.seconds * SECOND_MS);
        break;
      case "configure":
        this.#limits = { retentionMs: next.retentionMs, retentionRecords: next.retentionRecords };
        this.store.configureTopic("t", { ...SMALL, ...this.#limits });
        break;
      case "reopen":
        await this.store.close();
        await this.#open();
        break;
      case "kill":
        await this.#kill();
        break;
    }
    this.check();
  }

  /** The tail stands where age and count say, unless the ring's bytes have pushed it further. */
  check(): void {
    const log = this.#log;
    expect(log.head).toBe(this.#times.length);
    this.#tail = Math.max(this.#tail, this.#expected());
    const used = log.headAddress - log.tailAddress;
    if (log.tail !== this.#tail) {
      expect(log.tail).toBeGreaterThan(this.#tail);
      expect(used).toBeGreaterThan(log.capacityBytes / 2);
    }
    this.#tail = log.tail;
    const { seen, holes } = readAll(log);
    expect(holes).toEqual([]);
    expect(seen.map(({ offset }) => offset)).toEqual(
      Array.from({ length: log.head - log.tail }, (_, i) => log.tail + i),
    );
    expect(seen.map(({ timestamp }) => timestamp)).toEqual(this.#times.slice(log.tail));
  }

  get #log(): RingLog {
    return firstLog(this.store.topic("t"));
  }

  #expected(): number {
    const { retentionMs, retentionRecords } = this.#limits;
    const head = this.#times.length;
    const byCount = retentionRecords === 0 ? 0 : head - retentionRecords;
    const young = this.#times.findIndex((time) => this.#runtime.nowMs() - time < retentionMs);
    const byAge = retentionMs === 0 ? 0 : young < 0 ? head : young;
    return Math.max(byCount, byAge);
  }

  #append(records: number, bytes: number): void {
    const now = this.#runtime.nowMs();
    append(
      this.#log,
      Array.from({ length: records }, () => message("x".repeat(bytes))),
      now,
    );
    for (let i = 0; i < records; i++) this.#times.push(now);
    // Younger than its age allows when it is of age zero and a half.
    this.#tail = Math.max(this.#tail, this.#expected());
  }

  async #kill(): Promise<void> {
    const next = this.#newDirectory();
    copyAsKilled(this.#directory, next);
    await this.store.close();
    this.#directory = next;
    await this.#open();
  }

  async #open(): Promise<void> {
    const { store, events } = await openStore(this.#directory, { runtime: this.#runtime });
    this.store = store;
    expect(events.filter(({ type }) => type !== "recovered")).toEqual([]);
  }

  #newDirectory(): string {
    const path = join(this.#root, String(this.#opened++));
    mkdirSync(path);
    return path;
  }
}

describe("retention beside a plain model", () => {
  it("has the tail where age, count and bytes say, over changes, reopening and kills", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        using root = tempDir();
        const pair = new Pair(root.path);
        await pair.start();
        try {
          for (const next of steps) await pair.run(next);
        } finally {
          await pair.store.close();
        }
      }),
      { numRuns: 15 },
    );
  });
});
