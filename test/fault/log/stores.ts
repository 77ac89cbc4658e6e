/** Stores that tests of damage work on: in a folder of the test, closed behind it; and a log that is in use, synced by nobody but the test. */
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { LogStoreOptions, RingLog } from "../../../server/src/log/index.js";
import { append, firstLog, message, openStore, SMALL, type TestStore } from "../../support/log-store.js";
import { memoryDir, type TempDir } from "../../support/temp-dir.js";

/** Identities of the machine's boot before and after a power cut. */
export const BEFORE = "1".repeat(32);
export const AFTER = "2".repeat(32);
/** Bytes of a record whose data is {@link dataAt}: 48 and its data of 24. */
export const RECORD_BYTES = 72;

export interface Stores {
  /** Of those that are open, the first one first. */
  readonly opened: readonly TestStore[];
  /** A path in the test's folder; without a name the folder itself. */
  path(name?: string): string;
  /** Opens a store that is closed when the test is over. */
  open(directory: string, options?: Partial<LogStoreOptions>): Promise<TestStore>;
}

/** A folder, and stores, for each test of a file. @param defaults of all its stores */
export function useStores(defaults: Partial<LogStoreOptions> = {}): Stores {
  let root: TempDir;
  const opened: TestStore[] = [];
  beforeEach(() => {
    root = memoryDir();
  });
  afterEach(async () => {
    for (const { store } of opened.splice(0)) await store.close();
    root[Symbol.dispose]();
  });
  return {
    opened,
    path: (name) => (name === undefined ? root.path : join(root.path, name)),
    open: async (directory, options) => {
      const store = await openStore(directory, { ...defaults, ...options });
      opened.push(store);
      return store;
    },
  };
}

/** What the record at an offset says. */
export function dataAt(offset: number): string {
  return `record ${offset} `.padEnd(24, "x");
}

/** Appends so many records, each in a batch of its own. */
export function fill(log: RingLog, records: number): void {
  for (let i = 0; i < records; i++) append(log, [message(dataAt(log.head))]);
}

/** A topic `t` with so many records, none of which is synced in the background. */
export async function openFilled(directory: string, records: number): Promise<TestStore & { readonly log: RingLog }> {
  const opened = await openStore(directory, { syncIntervalMs: 3_600_000, healIntervalMs: 5 });
  const log = firstLog(opened.store.createTopic("t", SMALL));
  fill(log, records);
  return { ...opened, log };
}
