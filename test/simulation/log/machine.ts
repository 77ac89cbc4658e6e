/** A machine with a simulated disk, and stores that are opened over it one after another. */
import { openLogStore, type LogEvent, type LogStore } from "../../../server/src/log/index.js";
import type { RegionKind } from "../../../server/src/log/disk/index.js";
import { randomOf } from "../../support/random.js";
import { SimulatedDisk } from "../disk/simulated-disk.js";
import { hubRuntime, WallClock } from "../world/runtimes.js";
import { Host, Scheduler } from "../world/scheduler.js";

export class StoreMachine {
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  /** Of the running process. */
  events: LogEvent[] = [];
  readonly #wall: WallClock;
  #host = new Host();

  constructor(seed: number, regions: RegionKind = "mapped") {
    this.scheduler = new Scheduler(randomOf(seed));
    this.#wall = new WallClock(this.scheduler);
    this.disk = new SimulatedDisk({
      random: randomOf(seed + 1),
      regions,
      setTimer: (delayMs, callback) => this.scheduler.schedule(delayMs, undefined, callback),
    });
    this.disk.onDown = () => {
      this.#host.isDead = true;
    };
  }

  /** Runs on the virtual clock. */
  run<Result>(main: () => Promise<Result>): Promise<Result> {
    return this.scheduler.drive(main);
  }

  /** Starts a process; the one before is killed if it still runs. */
  open(): Promise<LogStore> {
    const disk = this.disk.start();
    this.#host = new Host();
    this.events = [];
    const { scheduler } = this;
    const runtime = hubRuntime({
      scheduler,
      host: this.#host,
      wall: this.#wall,
      random: randomOf(this.disk.operations),
      workUs: 0,
    });
    return openLogStore({ directory: "/data", runtime, disk, onEvent: (event) => void this.events.push(event) });
  }
}
