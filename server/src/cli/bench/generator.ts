/** The load generator: many connections in a few threads, which count and measure into memory that they share. */
import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Command, Order, Report, ThreadStart } from "./command.js";
import type { ChurnPlan, CutResult, Joined, Latencies, Measured, ReadersPlan, WritersPlan } from "./plan.js";
import { ProcessMeter } from "./process-meter.js";
import { diffSnapshots, takeSnapshot, type Snapshot } from "./snapshot.js";
import { COUNTER, makeTallies, readTallies, type Tally } from "./tally.js";

const MAX_THREADS = 8;
/** When so long nothing has come, nothing is on its way. */
const QUIET_MS = 200;

export interface StartOptions {
  /** Left out: one less than the processors that there are. */
  readonly threads?: number;
}

export interface RunOptions {
  /** Nothing is measured before. */
  readonly warmupMs?: number;
  readonly ms: number;
  /** Processes of this machine whose processor time and memory belong to the result. */
  readonly pids?: readonly number[];
  /** Ends the window early. */
  readonly signal?: AbortSignal;
}

export interface SettleOptions {
  readonly timeoutMs: number;
  readonly acknowledges: boolean;
}

/** Counts since the start. */
export interface Totals {
  readonly published: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Of `delivered`, what came to readers that never stalled. */
  readonly deliveredHealthy: number;
  /** Records of which servers said that they will not come. */
  readonly lost: number;
  readonly connected: number;
}

interface Waiting {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/** Something made the run worth nothing: a server refused, or a connection broke. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

/** One at a time of what it does; every method rejects with {@link LoadError} once something went wrong. */
export class LoadGenerator {
  readonly #tallies: readonly Tally[];
  readonly #workers: readonly Worker[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #failing = new AbortController();
  #failure: LoadError | undefined;
  #orders = 0;
  /** Connections so far, so that each has a number of its own. */
  #numbers = 0;
  /** Readers, and readers that a record goes to, on the average. */
  #readers = 0;
  #readersOfRecord = 0;
  #isClosed = false;

  private constructor(tallies: readonly Tally[], workers: readonly Worker[]) {
    this.#tallies = tallies;
    this.#workers = workers;
    for (const worker of workers) {
      worker.on("message", (report: Report) => this.#take(report));
      worker.on("error", (error) => this.#fail(error.message));
    }
  }

  static async start({ threads }: StartOptions = {}): Promise<LoadGenerator> {
    const count = threads ?? Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1));
    const memory = makeTallies(count);
    const workers = Array.from({ length: count }, (_, thread) => startThread({ memory, thread }));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("online", resolve))));
    return new LoadGenerator(readTallies(memory), workers);
  }

  /** Connects readers; resolves when all subscriptions are in force. */
  async readers(plan: ReadersPlan): Promise<Joined> {
    const { target, topics, connections, perConnection = 1, from = "latest" } = plan;
    const before = this.#snapshot();
    const first = this.#readers;
    await this.#order((numbers) => ({ type: "readers", target, topics, perConnection, from, numbers }), {
      first,
      count: connections,
    });
    this.#readers += connections;
    this.#readersOfRecord += (connections * perConnection) / topics.length;
    return this.#joined(connections, before);
  }

  /** Connects writers; resolves when all have come, and then they publish until {@link endWriters}. */
  async writers(plan: WritersPlan): Promise<Joined> {
    const { target, topics, bytes, batch = 1, connections, inflight = Infinity, ahead = Infinity } = plan;
    const before = this.#snapshot();
    const readers = this.#readersOfRecord;
    await this.#order(
      (numbers) => {
        const rate = plan.rate === undefined ? undefined : (plan.rate * numbers.length) / connections;
        return { type: "writers", target, topics, bytes, batch, inflight, ahead, readers, rate, numbers };
      },
      { first: this.#numbers, count: connections },
    );
    this.#numbers += connections;
    await this.#orderAll({ type: "publish" });
    return this.#joined(connections, before);
  }

  /** Connects clients that subscribe and unsubscribe until {@link endWriters}. */
  async churners({ target, topics, connections, inflight = 1 }: ChurnPlan): Promise<Joined> {
    const before = this.#snapshot();
    await this.#order((numbers) => ({ type: "churners", target, topics, inflight, numbers }), {
      first: this.#numbers,
      count: connections,
    });
    this.#numbers += connections;
    return this.#joined(connections, before);
  }

  /** Measures a window. It can be called again for another one. */
  async run({ warmupMs = 0, ms, pids = [], signal }: RunOptions): Promise<Measured> {
    const meter = pids.length === 0 ? undefined : new ProcessMeter(pids);
    await this.#pause(warmupMs, signal);
    meter?.begin();
    const before = this.#snapshot();
    await this.#pause(ms, signal);
    const after = this.#snapshot();
    return diffSnapshots(before, after, meter?.end());
  }

  /** Counts since the start; may be asked at any time. */
  totals(): Totals {
    const sum = (counter: number) =>
      this.#tallies.reduce((total, { counters }) => total + (counters[counter] as number), 0);
    return {
      published: sum(COUNTER.published),
      acknowledged: sum(COUNTER.acknowledged),
      delivered: sum(COUNTER.delivered),
      deliveredHealthy: sum(COUNTER.paced),
      lost: sum(COUNTER.lost),
      connected: sum(COUNTER.connected),
    };
  }

  /** The first `count` readers read no more. From now on nobody waits for them, and their latencies don't count. */
  async stall(count: number): Promise<void> {
    this.#readersOfRecord *= (this.#readers - count) / this.#readers;
    await this.#orderAll({ type: "stall", count, readers: this.#readersOfRecord });
  }

  /** Those that were stalled read again. */
  async resume(): Promise<void> {
    await this.#orderAll({ type: "resume" });
  }

  /**
   * Resets the connections of all readers, and dials and subscribes again at once, where each one was if the wire can
   * do that.
   */
  async cut(): Promise<CutResult> {
    const before = this.#snapshot();
    await this.#orderAll({ type: "cut" });
    const joined = this.#joined(this.#readers, before);
    return { ...joined, outage: joined.outage as Latencies };
  }

  /**
   * Writers publish no more; their connections stay until {@link endWriters}, so that what is on its way can arrive.
   */
  async pauseWriters(): Promise<void> {
    await this.#orderAll({ type: "pause" });
  }

  /**
   * Pauses the writers and waits until everything is acknowledged (with a wire that acknowledges) and nothing comes to
   * readers any more.
   *
   * @returns whether that was so before the time was over
   */
  async settle({ timeoutMs, acknowledges }: SettleOptions): Promise<boolean> {
    await this.pauseWriters();
    const endMs = performance.now() + timeoutMs;
    let before = this.totals();
    while (performance.now() < endMs) {
      await this.#pause(QUIET_MS, undefined);
      const now = this.totals();
      const isQuiet = now.delivered === before.delivered && now.acknowledged === before.acknowledged;
      if (isQuiet && (!acknowledges || now.acknowledged === now.published)) return true;
      before = now;
    }
    return false;
  }

  /** Ends writers and churners. */
  async endWriters(): Promise<void> {
    await this.#orderAll({ type: "end", readers: false });
  }

  /** Ends all connections. */
  async endAll(): Promise<void> {
    await this.#orderAll({ type: "end", readers: true });
    this.#readers = 0;
    this.#readersOfRecord = 0;
  }

  /** Ends everything; can be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rejectWaiting(new LoadError("The load generator was closed."));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What it took to have connections come. */
  #joined(connections: number, before: Snapshot): Joined & { readonly outage: Latencies | undefined } {
    const { seconds, generatorCpuSeconds, generatorBusy, outage } = diffSnapshots(before, this.#snapshot(), undefined);
    return { connections, seconds, generatorCpuSeconds, generatorBusy, outage };
  }

  #snapshot(): Snapshot {
    return takeSnapshot(
      this.#tallies,
      this.#workers.map((worker) => worker.performance.eventLoopUtilization()),
    );
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const ending = signal === undefined ? this.#failing.signal : AbortSignal.any([this.#failing.signal, signal]);
    await pause(ms, undefined, { signal: ending }).catch((error: unknown) => {
      if (!ending.aborted) throw error;
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Gives every thread its part of connections that are numbered from `first` on. */
  async #order(
    make: (numbers: readonly number[]) => Command,
    { first, count }: { readonly first: number; readonly count: number },
  ): Promise<void> {
    const threads = this.#workers.length;
    const told = this.#workers.map(async (_, thread) => {
      const numbers = Array.from({ length: count }, (_unused, index) => first + index);
      const own = numbers.filter((number) => number % threads === thread);
      if (own.length > 0) await this.#tell(thread, make(own));
    });
    await Promise.all(told);
  }

  async #orderAll(command: Command): Promise<void> {
    await Promise.all(this.#workers.map((_, thread) => this.#tell(thread, command)));
  }

  #tell(thread: number, command: Command): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#orders++;
    const order: Order = { id, command };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { done: resolve, failed: reject });
      (this.#workers[thread] as Worker).postMessage(order);
    });
  }

  #take(report: Report): void {
    if (report.type === "failed") {
      this.#fail(report.reason);
      return;
    }
    this.#waiting.get(report.id)?.done();
    this.#waiting.delete(report.id);
  }

  #fail(reason: string): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    const failure = new LoadError(reason);
    this.#failure = failure;
    this.#rejectWaiting(failure);
    this.#failing.abort();
  }

  #rejectWaiting(error: LoadError): void {
    for (const { failed } of this.#waiting.values()) failed(error);
    this.#waiting.clear();
  }
}

function startThread(workerData: ThreadStart): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./thread.js", import.meta.url), { workerData });
  // Run from sources: Node 20 doesn't hand the loader of the main thread on to others, so that each has to ask for it.
  const loader = import.meta.resolve("tsx/esm/api");
  const entry = new URL("./thread.ts", import.meta.url).href;
  const [tsx, thread] = [JSON.stringify(loader), JSON.stringify(entry)];
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${thread}); });`;
  return new Worker(code, { workerData, eval: true });
}
