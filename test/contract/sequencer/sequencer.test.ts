import { describe, expect, it } from "vitest";
import { LocalSequencer, type Sequencer } from "../../../server/src/sequencer/index.js";
import { firstLog, message, openStore, SMALL } from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";

/** What every sequencer has to do for a log. */
function sequencerContract(name: string, make: () => Sequencer): void {
  describe(`a ${name} sequencer`, () => {
    it("goes on at the head, in the log's epoch", async () => {
      using root = tempDir();
      const { store } = await openStore(root.path);
      const log = firstLog(store.createTopic("t", SMALL));
      const sequencer = make();
      expect(sequencer.assign(log, 5)).toEqual({ epoch: log.epoch, firstOffset: 0, timestamp: 5 });
      log.append([message("a"), message("b")], sequencer.assign(log, 5));
      expect(sequencer.assign(log, 6)).toEqual({ epoch: log.epoch, firstOffset: 2, timestamp: 6 });
      await store.close();
    });

    it("never lets time run back", async () => {
      using root = tempDir();
      const { store } = await openStore(root.path);
      const log = firstLog(store.createTopic("t", SMALL));
      const sequencer = make();
      log.append([message("a")], sequencer.assign(log, 1_000));
      expect(sequencer.assign(log, 400).timestamp).toBe(1_000);
      await store.close();
    });
  });
}

sequencerContract("local", () => new LocalSequencer());
