/** What the simulated disk has found in the log store, each in the fewest steps that show it. */
import { describe, expect, it } from "vitest";
import { SLOT_BYTES, SLOTS_AT } from "../../../server/src/log/file-header.js";
import type { LogStore, RingLog } from "../../../server/src/log/index.js";
import { append, firstLog, message, readAll, SMALL } from "../../support/log-store.js";
import { StoreMachine } from "./machine.js";

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);
const REGIONS = ["mapped", "file"] as const;

function logOf(store: LogStore): RingLog {
  return firstLog(store.topic("t"));
}

function textsOf(log: RingLog): string[] {
  return readAll(log).seen.map(({ data }) => data);
}

/** Where an epoch ended, by a log's lineage: Infinity where it holds, -1 where nobody knows it. */
function endOf({ lineage }: RingLog, epoch: string): number {
  const at = lineage.findIndex((entry) => entry.epoch === epoch);
  return at < 0 ? -1 : (lineage[at + 1]?.first ?? Infinity);
}

/** Does something on a machine of its own for each seed and kind of region. */
async function onMachines(
  act: (machine: StoreMachine) => Promise<void>,
  seeds: readonly number[] = SEEDS,
): Promise<void> {
  for (const regions of REGIONS) {
    for (const seed of seeds) {
      const machine = new StoreMachine(seed, regions);
      await machine.run(() => act(machine));
    }
  }
}

describe("a power cut before the first sync of a log in use", () => {
  it("ends the epoch of records that it takes, where the log was closed cleanly before", async () => {
    let lost = 0;
    await onMachines(async (machine) => {
      const first = await machine.open();
      append(firstLog(first.createTopic("t", SMALL)), [message("kept")]);
      await first.close();
      const log = logOf(await machine.open());
      append(log, [message("at risk")]);
      machine.disk.cutPower();
      const again = logOf(await machine.open());
      if (textsOf(again).length === 1) lost++;
      if (textsOf(again).length === 1) expect(endOf(again, log.epoch)).toBe(1);
    });
    expect(lost).toBeGreaterThan(0);
  });

  it("ends the epoch of records that it takes, where the log had no file before", async () => {
    let lost = 0;
    await onMachines(async (machine) => {
      const first = await machine.open();
      first.createTopic("t", SMALL);
      await first.close();
      const log = logOf(await machine.open());
      append(log, [message("at risk")]);
      machine.disk.cutPower();
      const again = logOf(await machine.open());
      if (textsOf(again).length > 0) return;
      lost++;
      expect(endOf(again, log.epoch)).toBeLessThan(1);
    });
    expect(lost).toBeGreaterThan(0);
  });

  it("leaves an epoch as it is where everything was closed", async () => {
    await onMachines(async (machine) => {
      const first = await machine.open();
      const log = firstLog(first.createTopic("t", SMALL));
      append(log, [message("kept")]);
      await first.close();
      machine.disk.cutPower();
      const again = logOf(await machine.open());
      expect([again.lineage, textsOf(again)]).toEqual([log.lineage, ["kept"]]);
    });
  });

  it("gives the epoch of a deleted topic to no other after it was in use", async () => {
    await onMachines(async (machine) => {
      const first = await machine.open();
      first.createTopic("t", SMALL);
      const [epoch] = first.deleteTopic("t");
      await first.close();
      const second = await machine.open();
      append(firstLog(second.createTopic("t", SMALL)), [message("at risk")]);
      machine.disk.cutPower();
      const third = await machine.open();
      const log = firstLog(third.topic("t") ?? third.createTopic("t", SMALL));
      if (textsOf(log).length === 0) expect(endOf(log, epoch ?? "")).toBeLessThan(1);
    });
  });
});

describe("a power cut after the process had died", () => {
  it("takes no record that was synced by the next one, which had found the file without its name on the device", async () => {
    await onMachines(async (machine) => {
      const first = await machine.open();
      append(firstLog(first.createTopic("t", SMALL)), [message("kept")]);
      machine.disk.kill();
      await logOf(await machine.open()).synced();
      machine.disk.cutPower();
      expect(textsOf(logOf(await machine.open()))).toEqual(["kept"]);
    });
  });

  it("brings no record to light whose place another one has taken", async () => {
    await onMachines(async (machine) => {
      const first = await machine.open();
      const log = firstLog(first.createTopic("t", SMALL));
      append(log, [message("kept")]);
      await log.synced();
      // The batch is in the file; the process dies before it says so.
      if (machine.disk.regions === "mapped") dieAtStore(machine, log);
      else dieAtWrite(machine, log);
      expect(machine.disk.isDown).toBe(true);
      machine.disk.writeBack();
      machine.disk.writeBack();
      const second = logOf(await machine.open());
      expect(textsOf(second)).toEqual(["kept"]);
      append(second, [message("taken")]);
      const { epoch } = second;
      machine.disk.cutPower();
      const third = logOf(await machine.open());
      const [, other] = readAll(third).seen;
      if (other?.epoch === epoch) expect(other.data).toBe("taken");
    });
  });
});

describe("a power cut behind a sync of the catalogue's journal that failed in a process that is gone", () => {
  it("takes no topic with a record that the next process acknowledged as synced", async () => {
    await onMachines(async (machine) => {
      const first = await machine.open();
      machine.disk.failSyncs = 20;
      append(firstLog(first.createTopic("t", SMALL)), [message("kept")]);
      await machine.scheduler.pause(1_500);
      await first.close().catch(() => undefined);
      machine.disk.failSyncs = 0;
      const second = await machine.open();
      await machine.scheduler.pause(5_000);
      await logOf(second).synced();
      machine.disk.cutPower();
      expect(textsOf(logOf(await machine.open()))).toEqual(["kept"]);
    });
  });
});

describe("a power cut while both copies of a header change", () => {
  it("leaves one of them whole, and what was synced", async () => {
    const act = async (machine: StoreMachine): Promise<void> => {
      const first = await machine.open();
      const log = firstLog(first.createTopic("t", SMALL));
      append(log, [message("kept")]);
      await log.synced();
      // Enough of them that a copy takes more than one sector.
      for (let i = 0; i < 8; i++) log.beginAt(log.head, [...log.lineage, { epoch: `begun-${i}`, first: log.head }]);
      machine.disk.cutPower();
      expect(textsOf(logOf(await machine.open()))).toEqual(["kept"]);
    };
    await onMachines(
      act,
      Array.from({ length: 40 }, (_, seed) => seed),
    );
  });
});

describe("a recovery after a power cut that is killed", () => {
  it("cuts the log where it is cut when it is left alone", async () => {
    for (const at of Array.from({ length: 22 }, (_, i) => i)) {
      const act = async (machine: StoreMachine): Promise<void> => {
        const first = await machine.open();
        const log = firstLog(first.createTopic("t", SMALL));
        append(log, [message("kept")]);
        await log.synced();
        append(log, [message("a".repeat(6_000)), message("b".repeat(6_000))]);
        append(log, [message("c".repeat(6_000))]);
        machine.disk.cutPower();
        machine.disk.crash = { at: machine.disk.operations + at, how: "kill" };
        await machine.open().catch(() => undefined);
        machine.disk.crash = undefined;
        const again = logOf(await machine.open());
        const { seen, holes } = readAll(again);
        expect([seen[0]?.data, holes]).toEqual(["kept", []]);
        if (again.head < log.head) expect(endOf(again, log.epoch)).toBeLessThanOrEqual(again.head);
      };
      await onMachines(act, [1, 4]);
    }
  });
});

describe("a file that a power cut has brought back", () => {
  it("is set aside where a topic of the same name has taken its place", async () => {
    const seen = new Set<string>();
    await onMachines(async (machine) => {
      const first = await machine.open();
      const log = firstLog(first.createTopic("t", SMALL));
      append(log, [message("old")]);
      await log.synced();
      first.deleteTopic("t");
      append(firstLog(first.createTopic("t", SMALL)), [message("new")]);
      machine.disk.cutPower();
      const third = await machine.open();
      const again = firstLog(third.topic("t") ?? third.createTopic("t", SMALL));
      append(again, [message("next")]);
      expect(textsOf(again).at(-1)).toBe("next");
      for (const { type } of machine.events) seen.add(type);
    });
    expect(seen).toContain("set-aside");
  });
});

/** Has the process die between the bytes of a batch and the head that makes them visible, as by SIGKILL between two stores. */
function dieAtStore({ disk }: StoreMachine, log: RingLog): void {
  const { view } = (log as unknown as { readonly region: { readonly view: DataView } }).region;
  const setInt32 = view.setInt32.bind(view);
  view.setInt32 = (at, value, isLittle) => {
    if (at === SLOTS_AT || at === SLOTS_AT + SLOT_BYTES) disk.kill();
    setInt32(at, value, isLittle);
  };
  append(log, [message("dead")]);
}

/** The same where each of them is a write. */
function dieAtWrite({ disk }: StoreMachine, log: RingLog): void {
  disk.crash = { at: disk.operations + 1, how: "kill" };
  expect(() => append(log, [message("dead")])).toThrow();
}
