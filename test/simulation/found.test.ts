/** What seeds have found in the log store, each in the fewest steps that show it. */
import { DEFAULT_TOPIC_CONFIG, RingcastError } from "@ringcast/protocol";
import { describe, expect, it } from "vitest";
import { openLogStore, type LogStore } from "../../server/src/log/index.js";
import { randomOf } from "../support/random.js";
import { SimulatedDisk } from "./disk/simulated-disk.js";
import { hubRuntime, WallClock } from "./world/runtimes.js";
import { Host, Scheduler } from "./world/scheduler.js";

/** A disk, and stores that are opened over it one after another. */
class Machine {
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  #host = new Host();

  constructor(seed: number) {
    this.scheduler = new Scheduler(randomOf(seed));
    this.disk = new SimulatedDisk({
      random: randomOf(seed + 1),
      setTimer: (delayMs, callback) => this.scheduler.schedule(delayMs, undefined, callback),
    });
  }

  open(): Promise<LogStore> {
    const { scheduler, disk } = this;
    this.#host = new Host();
    const wall = new WallClock(scheduler);
    const runtime = hubRuntime({ scheduler, host: this.#host, wall, random: randomOf(3), workUs: 0 });
    return openLogStore({ directory: "/data", runtime, disk: disk.start(), onEvent: () => undefined });
  }

  cutPower(): void {
    this.#host.isDead = true;
    this.disk.cutPower();
  }
}

describe("a log store", () => {
  it("has a topic without records on the device some seconds after it was made, changed or deleted", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const machine = new Machine(seed);
      await machine.scheduler.drive(async () => {
        const first = await machine.open();
        for (const name of ["kept", "changed", "deleted"]) first.createTopic(name, DEFAULT_TOPIC_CONFIG);
        await machine.scheduler.pause(3_000);
        first.configureTopic("changed", { ...DEFAULT_TOPIC_CONFIG, retentionRecords: 7 });
        first.deleteTopic("deleted");
        await machine.scheduler.pause(3_000);
        machine.cutPower();
        const second = await machine.open();
        expect([...second.topicNames()], `seed ${seed}`).toEqual(["changed", "kept"]);
        expect(second.topic("changed")?.config.retentionRecords).toBe(7);
        await second.close();
      });
    }
  });

  it("says that the catalogue can't be written where the device fails while it is closed", async () => {
    const machine = new Machine(1);
    await machine.scheduler.drive(async () => {
      const store = await machine.open();
      store.createTopic("t", DEFAULT_TOPIC_CONFIG);
      machine.disk.failSyncs = 100;
      await expect(store.close()).rejects.toThrow(RingcastError);
    });
  });
});
