import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogStore, RingLog } from "../../../server/src/log/index.js";
import {
  append,
  copyAsKilled,
  firstLog,
  message,
  openStore,
  readAll,
  type Seen,
  SMALL,
} from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";

type Step =
  | { readonly do: "append"; readonly sizes: readonly number[] }
  | { readonly do: "read"; readonly at: number; readonly edge: number }
  | { readonly do: "time"; readonly at: number }
  | { readonly do: "sync" }
  | { readonly do: "reopen" }
  | { readonly do: "kill" }
  | { readonly do: "power-cut" };

const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(200) },
  { weight: 2, arbitrary: fc.nat(3_000) },
  { weight: 1, arbitrary: fc.nat(16_000) },
);
const inMemory = [
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      edge: fc.constantFrom(64, 1_024, 65_536),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("time" as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "sync" as const }) },
];
const onDisk = [
  ...inMemory,
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "power-cut" as const }) },
];

/** A store beside the plainest model there is: the list of everything ever appended. */
class Pair {
  store!: LogStore;
  log!: RingLog;
  readonly #root: string;
  readonly #storage: "file" | "memory";
  readonly #mmap: boolean;
  #directory = "";
  #opened = 0;
  #boot = 1;
  #now = 1_000;
  model: Seen[] = [];

  constructor(root: string, storage: "file" | "memory", mmap = true) {
    this.#root = root;
    this.#mmap = mmap;
    this.#storage = storage;
  }

  async start(): Promise<void> {
    this.#directory = this.#newDirectory();
    await this.#open();
    this.store.createTopic("t", { ...SMALL, storage: this.#storage });
    this.log = firstLog(this.store.topic("t"));
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "append": {
        this.#append(step.sizes);
        return;
      }
      case "read": {
        this.#read(step.at, step.edge);
        return;
      }
      case "time": {
        this.#time(step.at);
        return;
      }
      case "sync":
        return this.log.synced();
      case "reopen":
        await this.store.close();
        return this.#open();
      case "kill":
        return this.#moveTo(() => undefined);
      case "power-cut":
        return this.#moveTo(() => this.#boot++);
    }
  }

  /** Everything between tail and head is there, byte for byte, and the ring holds nearly its capacity. */
  check(): void {
    const { log, model } = this;
    expect(log.head).toBe(model.length);
    const { seen, holes } = readAll(log);
    expect(holes).toEqual([]);
    expect(seen).toEqual(model.slice(log.tail));
    const used = log.headAddress - log.tailAddress;
    expect(used).toBeLessThanOrEqual(log.capacityBytes);
    if (log.tail > 0) expect(used).toBeGreaterThan(log.capacityBytes / 2);
  }

  #append(sizes: readonly number[]): void {
    const first = this.model.length;
    const datas = sizes.map((length, i) => `${first + i}:`.padEnd(length, "x"));
    this.#now += sizes.length;
    const bytes = datas.reduce((sum, data) => sum + 48 + Math.ceil(data.length / 8) * 8, 0);
    if (bytes > this.log.capacityBytes / 4) {
      expect(() =>
        append(
          this.log,
          datas.map((data) => message(data)),
          this.#now,
        ),
      ).toThrow(expect.objectContaining({ code: "too_large" }));
      return;
    }
    append(
      this.log,
      datas.map((data) => message(data)),
      this.#now,
    );
    datas.forEach((data, i) =>
      this.model.push({ offset: first + i, timestamp: this.#now, epoch: this.log.epoch, data }),
    );
  }

  #read(at: number, edge: number): void {
    const { log } = this;
    const from = log.tail + Math.floor(at * (log.head - log.tail));
    expect(readAll(log, from, edge)).toEqual({ seen: this.model.slice(from), holes: [] });
  }

  #time(at: number): void {
    const timeMs = Math.floor(at * (this.#now + 2));
    const found = this.model.slice(this.log.tail).find(({ timestamp }) => timestamp >= timeMs);
    expect(this.log.offsetAtTime(timeMs)).toBe(found?.offset ?? this.log.head);
  }

  /** Goes on with a copy of the directory as it is at this moment. */
  async #moveTo(change: () => void): Promise<void> {
    const next = this.#newDirectory();
    const before = this.log.epoch;
    copyAsKilled(this.#directory, next);
    await this.store.close();
    change();
    this.#directory = next;
    const boot = this.#boot;
    await this.#open();
    if (this.model.length > 0 && boot > 1) expect(this.log.lineage.map(({ epoch }) => epoch)).toContain(before);
  }

  async #open(): Promise<void> {
    const bootId = String(this.#boot).padStart(32, "0");
    const { store } = await openStore(this.#directory, { bootId, mmap: this.#mmap });
    this.store = store;
    const topic = store.topic("t");
    if (topic !== undefined) this.log = firstLog(topic);
  }

  #newDirectory(): string {
    const path = join(this.#root, String(this.#opened++));
    mkdirSync(path);
    return path;
  }
}

async function holds(storage: "file" | "memory", steps: readonly Step[], mmap = true): Promise<void> {
  using root = tempDir();
  const pair = new Pair(root.path, storage, mmap);
  await pair.start();
  try {
    for (const step of steps) await pair.run(step);
    pair.check();
  } finally {
    await pair.store.close();
  }
}

describe("a ring log beside a plain model", () => {
  it("keeps every record in a file over wraps, reopening, kills and power cuts", async () => {
    const steps = fc.array(fc.oneof(...onDisk), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, (list) => holds("file", list)),
      { numRuns: 20 },
    );
  });

  it("keeps every record in a file that isn't mapped over the same", async () => {
    const steps = fc.array(fc.oneof(...onDisk), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, (list) => holds("file", list, false)),
      { numRuns: 15 },
    );
  });

  it("keeps every record in memory over wraps and growth", async () => {
    const steps = fc.array(fc.oneof(...inMemory), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(steps, (list) => holds("memory", list)),
      { numRuns: 20 },
    );
  });
});
