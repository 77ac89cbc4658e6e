import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TOPIC_CONFIG, type RecordFilter, type TopicStart, type WireMessage } from "@ringcast/protocol";
import { createHub, type Hub } from "../../../../server/src/hub/index.js";
import { LocalSequencer } from "../../../../server/src/sequencer/index.js";
import {
  append,
  copyAsKilled,
  firstLog,
  message,
  openStore,
  SMALL,
  type TestStore,
} from "../../../support/log-store.js";
import { ManualRuntime } from "../../../support/manual-runtime.js";
import { tempDir } from "../../../support/temp-dir.js";

/** Of each epoch. */
const RECORDS = 5;

describe("a page of history across a power cut", () => {
  let folder: ReturnType<typeof tempDir>;
  let opened: TestStore;
  let hub: Hub;
  let epochs: readonly string[];

  beforeEach(async () => {
    folder = tempDir();
    const [before, after] = [join(folder.path, "before"), join(folder.path, "after")];
    const { store } = await openStore(before);
    fill(firstLog(store.createTopic("t", SMALL)));
    copyAsKilled(before, after);
    await store.close();
    opened = await openStore(after, { bootId: "9".repeat(32) });
    const log = firstLog(opened.store.topic("t"));
    fill(log);
    epochs = log.lineage.map(({ epoch }) => epoch);
    hub = hubOver(opened);
  });

  afterEach(async () => {
    await opened.store.close();
    folder[Symbol.dispose]();
  });

  it("has messages of one epoch, that of where it ends", () => {
    expect(epochs).toHaveLength(2);
    const first = page("earliest");
    expect(first).toEqual({ offsets: [0, 1, 2, 3, 4], next: { epoch: epochs[0], offset: 5 }, gap: undefined });
    const second = page({ positions: { 0: first.next } });
    expect(second).toEqual({ offsets: [5, 6, 7, 8, 9], next: { epoch: epochs[1], offset: 10 }, gap: undefined });
  });

  it("begins with the new epoch where the old one ends", () => {
    expect(page({ offset: RECORDS })).toMatchObject({ offsets: [5, 6, 7, 8, 9], next: { epoch: epochs[1] } });
  });

  it("looks for what a filter wants in the next epoch too, where it has nothing of the one before", () => {
    const filter = { keys: ["9"] };
    expect(page("earliest", { filter })).toEqual({
      ...{ offsets: [9], gap: undefined },
      next: { epoch: epochs[1], offset: 10 },
    });
  });

  function page(
    from: TopicStart,
    { filter }: { readonly filter?: RecordFilter } = {},
  ): { readonly offsets: readonly number[]; readonly next: { epoch: string; offset: number }; readonly gap: unknown } {
    const input = { topic: "t", partition: 0, from, limit: 100, until: undefined, filter };
    const { messages, next, gap } = hub.history(input, "json");
    const wire = JSON.parse(Buffer.from(messages).toString()) as WireMessage[];
    return { offsets: wire.map(({ offset }) => offset), next, gap };
  }
});

function fill(log: ReturnType<typeof firstLog>): void {
  for (let n = 0; n < RECORDS; n++) append(log, [message("data", String(log.head))]);
}

function hubOver({ store }: TestStore): Hub {
  return createHub({
    ...{ store, sequencer: new LocalSequencer(), runtime: new ManualRuntime(), report: () => undefined },
    limits: {
      ...{ maxSubscriptions: 10, maxTopics: 10, maxInflight: 10, maxInflightBytes: 1e6 },
      ...{ maxTotalInflight: 10, maxTotalInflightBytes: 1e6 },
    },
    ...{ defaultConfig: DEFAULT_TOPIC_CONFIG, rules: [], autoCreateTopics: true },
  });
}
