/** The machine on which the hub runs: its disk and wall clock outlive the hub's processes. */
import { RingcastError } from "@ringcast/protocol";
import type { HubEvent } from "../../../server/src/hub/index.js";
import type { LogEvent } from "../../../server/src/log/index.js";
import type { Random } from "../../support/random.js";
import type { SimulatedDisk } from "../disk/simulated-disk.js";
import { HubProcess } from "./hub-process.js";
import type { Network } from "./network.js";
import { WallClock } from "./runtimes.js";
import { Host, type Scheduler } from "./scheduler.js";

export interface MachineOptions {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly disk: SimulatedDisk;
  /** Microseconds that pass at most between two looks at the clock. */
  readonly workUs: number;
  readonly onEvent: (event: LogEvent | HubEvent) => void;
}

const DIRECTORY = "/data";

export class Machine {
  readonly wall: WallClock;
  readonly disk: SimulatedDisk;
  /** Set while it listens. */
  hub: HubProcess | undefined;
  /** The process that runs: it may not listen yet, or not any more. */
  #host: Host | undefined;
  #bootId: string;
  readonly #downs: (() => void)[] = [];
  readonly #options: MachineOptions;

  constructor(options: MachineOptions) {
    const { disk, scheduler } = options;
    this.#options = options;
    this.disk = disk;
    this.wall = new WallClock(scheduler);
    this.#bootId = disk.bootId;
    disk.onDown = () => this.#ended();
  }

  get isRunning(): boolean {
    return this.#host !== undefined;
  }

  /**
   * A process opens the data directory, then listens.
   * @returns false: it died meanwhile
   * @throws RingcastError as a hub that doesn't start
   */
  async start(): Promise<boolean> {
    const { scheduler, random, workUs, onEvent, network } = this.#options;
    const host = (this.#host = new Host());
    const started = HubProcess.start({
      scheduler,
      host,
      wall: this.wall,
      random: random.fork(),
      workUs,
      storage: { directory: DIRECTORY, disk: this.disk.start() },
      onEvent,
    });
    try {
      await Promise.race([started, this.down()]);
      if (host.isDead) return false;
      this.hub = await started;
      network.listener = this.hub;
      return true;
    } catch (error) {
      // What a dead process throws is nobody's.
      if (host.isDead) return false;
      this.kill();
      throw error;
    }
  }

  /** In order, as by SIGTERM. */
  async stop(drainTimeoutMs: number): Promise<void> {
    const { network } = this.#options;
    const stopped = this.hub?.stop(drainTimeoutMs, () => (network.listener = undefined));
    try {
      await Promise.race([stopped, this.down()]);
    } catch (error) {
      // The last of its words may be that the disk is full.
      if (!(error instanceof RingcastError)) throw error;
    }
    this.kill();
  }

  /** As by SIGKILL. */
  kill(): void {
    if (this.isRunning) this.disk.kill();
  }

  cutPower(): void {
    this.disk.cutPower();
  }

  powerUp(): void {
    this.#options.network.machineIsBack();
  }

  /** The process takes no turn for so long. */
  stall(ms: number): void {
    if (this.#host !== undefined) this.#host.stalledUntilMs = this.#options.scheduler.nowMs + ms;
  }

  /** Resolves when the process is gone. */
  down(): Promise<void> {
    return new Promise((resolve) => this.#downs.push(resolve));
  }

  #ended(): void {
    const { network } = this.#options;
    const isRebooted = this.disk.bootId !== this.#bootId;
    this.#bootId = this.disk.bootId;
    if (this.#host !== undefined) this.#host.isDead = true;
    this.#host = this.hub = undefined;
    network.hubDied(isRebooted ? "machine" : "process");
    for (const resolve of this.#downs.splice(0)) resolve();
  }
}
