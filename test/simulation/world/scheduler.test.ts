import { describe, expect, it } from "vitest";
import { randomOf } from "../../support/random.js";
import { Host, Scheduler } from "./scheduler.js";

function schedulerOf(seed = 1): Scheduler {
  return new Scheduler(randomOf(seed));
}

describe("a scheduler", () => {
  it("has things happen in the order of their time, and lets promises settle between two of them", async () => {
    const scheduler = schedulerOf();
    const seen: string[] = [];
    await scheduler.drive(async () => {
      for (const ms of [30, 10, 20])
        scheduler.schedule(ms, undefined, () => {
          seen.push(`event ${ms}`);
          void Promise.resolve()
            .then(() => undefined)
            .then(() => seen.push(`promise ${ms}`));
        });
      await scheduler.pause(40);
    });
    expect(seen).toEqual(["event 10", "promise 10", "event 20", "promise 20", "event 30", "promise 30"]);
    expect(scheduler.nowMs).toBe(40);
  });

  it("lets the seed choose among what is due at the same time", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const scheduler = schedulerOf(seed);
      let order = "";
      await scheduler.drive(async () => {
        for (const name of ["a", "b", "c"]) scheduler.schedule(5, undefined, () => (order += name));
        await scheduler.pause(6);
      });
      orders.add(order);
    }
    expect(orders.size).toBe(6);
  });

  it("lets nothing happen on a host that is dead, and on one that stalls only afterwards, in order", async () => {
    const scheduler = schedulerOf();
    const [dead, stalled] = [new Host(), new Host()];
    const seen: string[] = [];
    await scheduler.drive(async () => {
      dead.isDead = true;
      stalled.stalledUntilMs = 100;
      scheduler.schedule(1, dead, () => seen.push("dead"));
      for (const ms of [20, 10]) scheduler.schedule(ms, stalled, () => seen.push(`${ms} at ${scheduler.nowMs}`));
      await scheduler.pause(200);
    });
    expect(seen).toEqual(["10 at 100", "20 at 100"]);
  });

  it("throws what nobody would have caught in a process", async () => {
    const scheduler = schedulerOf();
    const throwing = scheduler.drive(() => {
      scheduler.schedule(1, undefined, () => {
        throw new Error("thrown by a handler");
      });
      return scheduler.pause(10);
    });
    await expect(throwing).rejects.toThrow("thrown by a handler");
    const rejecting = schedulerOf().drive(async () => {
      void Promise.reject(new Error("nobody listens"));
      return Promise.resolve();
    });
    await expect(rejecting).rejects.toThrow(expect.objectContaining({ cause: new Error("nobody listens") }));
  });

  it("ends a run in which nothing happens any more", async () => {
    await expect(schedulerOf().drive(() => new Promise(() => undefined))).rejects.toThrow("Nothing happens any more");
  });

  it.each<[string, () => unknown]>([
    ["Date.now", () => Date.now()],
    ["performance.now", () => performance.now()],
    ["Math.random", () => Math.random()],
    ["setTimeout", () => setTimeout(() => undefined, 1)],
    ["setImmediate", () => setImmediate(() => undefined)],
    ["crypto.getRandomValues", () => crypto.getRandomValues(new Uint8Array(1))],
  ])("forbids %s meanwhile", async (_name, ask) => {
    await expect(schedulerOf().drive(() => Promise.resolve().then(ask))).rejects.toThrow(
      "in the midst of a simulation",
    );
    expect(() => void ask()).not.toThrow();
  });
});
