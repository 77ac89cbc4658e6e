/** One run of a program over a simulated disk: the store goes down when it is told to, is opened again, and everything that it had promised is looked for. */
import { CONTENT_TYPE, encodeUtf8, RingcastError, type TopicConfig } from "@ringcast/protocol";
import type { RegionKind } from "../../../server/src/log/disk/index.js";
import {
  type LogEvent,
  type LogStore,
  openLogStore,
  type RingLog,
  type StoredTopic,
} from "../../../server/src/log/index.js";
import type { Runtime } from "../../../server/src/runtime/index.js";
import { type Random, randomOf } from "../../support/random.js";
import { type Crash, ProcessGone, SimulatedDisk } from "../disk/simulated-disk.js";
import { hubRuntime, WallClock } from "../world/runtimes.js";
import { Host, Scheduler } from "../world/scheduler.js";
import { type Ending, type Expected, PartitionLedger, type Verdict } from "./ledger.js";
import { programOf, type Step } from "./program.js";

/** Steps behind a crash. */
const STEPS_AFTER = 12;
/** Longer than logs that could not be opened, or synced, are left alone. */
const HEALED_MS = 3_000;
/** A second crash comes within so many operations behind the first, if it does. */
const SECOND_CRASH_WITHIN = 40;

export interface RunOptions {
  readonly seed: number;
  readonly regions: RegionKind;
  /** Steps before the end of a run without a crash. */
  readonly steps: number;
  /** Processes that follow the first one; each ends in some way. */
  readonly followers: number;
  /** Syncs fail and the disk is full from time to time. */
  readonly hasFaults?: boolean;
  readonly crash?: Crash;
}

export interface RunResult {
  /** Operations of the disk until the crash, or in all. */
  readonly operations: number;
  /** What was promised and not kept. */
  readonly wrong: readonly string[];
  /** The operation at which the crash was, and all others: for whoever looks for a reason. */
  readonly trace: readonly string[];
}

/** What is known of a topic. */
interface TopicLedger {
  config: TopicConfig;
  /** Limits that hold, or held since the topic was judged the last time. */
  limits: TopicConfig[];
  /** `making` and `going`: when the process died, and nobody knows. */
  state: "there" | "gone" | "making" | "going";
  /** How processes have ended since it was looked at; a power cut is not undone by what follows. */
  ending: Ending;
  /** Some record of it is acknowledged as synced, so that the topic is on the device as well. */
  isSynced: boolean;
  readonly partitions: PartitionLedger[];
  /** Next sequence of each producer. */
  readonly sequences: Map<string, number>;
}

/** @throws whatever the store throws that it must not */
export async function runStore(options: RunOptions): Promise<RunResult> {
  const random = randomOf(options.seed);
  const scheduler = new Scheduler(random.fork());
  const run = new StoreRun(options, scheduler, random);
  return await scheduler.drive(() => run.run());
}

/** Crashes at one moment: one of them kills, one cuts the power, and every second one comes in the middle of its operation. */
function crashesAt(at: number): Crash[] {
  return [
    { at, how: "kill", isTorn: at % 2 === 0 },
    { at, how: "power", isTorn: at % 2 === 1 },
  ];
}

/** Runs a program once to see what it does to the disk, then with a crash at each of these operations. */
export async function crashEverywhere(
  options: Omit<RunOptions, "crash">,
): Promise<{ readonly runs: number; readonly broken: readonly string[] }> {
  const whole = await runStore(options);
  const broken = whole.wrong.map((what) => `seed ${options.seed}: ${what}`);
  let runs = 1;
  for (let at = 0; at < whole.operations; at++) {
    for (const crash of crashesAt(at)) {
      const { wrong } = await runStore({ ...options, crash });
      runs++;
      broken.push(...wrong.map((what) => `seed ${options.seed}, ${JSON.stringify(crash)}: ${what}`));
    }
  }
  return { runs, broken };
}

class StoreRun {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #wall: WallClock;
  readonly #disk: SimulatedDisk;
  readonly #program: readonly Step[];
  readonly #followers: number;
  readonly #hasFaults: boolean;
  readonly #topics = new Map<string, TopicLedger>();
  readonly #wrong: string[] = [];
  /** Logs of the running process. */
  readonly #logs = new Map<PartitionLedger, RingLog>();
  #host = new Host();
  #store: LogStore | undefined;
  #down: Promise<void> = Promise.resolve();
  /** The process that runs has closed everything. */
  #isClosed = false;
  #generation = 0;
  #batches = 0;

  constructor(options: RunOptions, scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#wall = new WallClock(scheduler);
    this.#followers = options.followers;
    this.#hasFaults = options.hasFaults ?? false;
    this.#program = programOf(random.fork(), { length: options.steps, hasFaults: this.#hasFaults });
    this.#disk = new SimulatedDisk({
      random: random.fork(),
      regions: options.regions,
      setTimer: (ms, callback) => scheduler.schedule(ms, undefined, callback),
    });
    this.#disk.crash = options.crash;
  }

  async run(): Promise<RunResult> {
    const disk = this.#disk;
    const trace: string[] = (disk.trace = []);
    let isUp = (await this.#open()) && (await this.#carryOut(this.#program));
    const { operations } = disk;
    if (isUp) await this.#end();
    for (let ended = 0; ended < this.#followers && this.#wrong.length === 0; ended++) {
      disk.crash = this.#random.oneIn(2) ? this.#laterCrash() : undefined;
      isUp =
        (await this.#open()) &&
        this.#judge() &&
        (await this.#carryOut(programOf(this.#random.fork(), { length: STEPS_AFTER, hasFaults: this.#hasFaults })));
      if (isUp) await this.#end();
    }
    return { operations, wrong: this.#wrong, trace };
  }

  /** At a moment behind those that are enumerated. */
  #laterCrash(): Crash {
    const at = this.#disk.operations + this.#random.below(SECOND_CRASH_WITHIN);
    return { at, how: this.#random.pick(["kill", "power"]), isTorn: this.#random.oneIn(2) };
  }

  // ---- processes -----------------------------------------------------------------------------------------------------

  /** Starts a process; where it can't have the disk as it is, another one behind it. @returns false when it died meanwhile */
  async #open(): Promise<boolean> {
    try {
      if (!(await this.#start())) return false;
    } catch (error) {
      if (!this.#hasFaults || !(error instanceof RingcastError)) throw error;
      this.#repair();
      if (!(await this.#start())) return false;
    }
    if (!this.#hasFaults) return true;
    // Logs that could not be opened are tried again.
    this.#repair();
    return await this.#unlessDown(() => this.#scheduler.pause(HEALED_MS));
  }

  #repair(): void {
    Object.assign(this.#disk, { isFull: false, failSyncs: 0 });
  }

  async #start(): Promise<boolean> {
    this.#host = new Host();
    this.#generation++;
    this.#logs.clear();
    const disk = this.#disk.start();
    this.#isClosed = false;
    this.#down = new Promise((resolve) => {
      const host = this.#host;
      this.#disk.onDown = (how) => {
        host.isDead = true;
        this.#ended(how === "power" ? "power cut" : "killed");
        resolve();
      };
    });
    return await this.#unlessDown(async () => {
      this.#store = await openLogStore({
        directory: "/data",
        runtime: this.#runtime(),
        disk,
        onEvent: (event) => this.#heard(event),
      });
    });
  }

  /** Ends a process that runs. */
  async #end(): Promise<void> {
    const ending = this.#random.pick<Ending>(["closed", "killed", "power cut"]);
    if (ending === "closed" && !(await this.#unlessDown(() => this.#close()))) return;
    if (ending === "power cut") this.#disk.cutPower();
    else this.#disk.kill();
  }

  async #close(): Promise<void> {
    try {
      await this.#live.close();
      this.#isClosed = true;
    } catch (error) {
      if (!this.#hasFaults || !(error instanceof RingcastError)) throw error;
    }
  }

  #ended(how: "killed" | "power cut"): void {
    const ending = this.#isClosed && how === "killed" ? "closed" : how;
    this.#disk.trace?.push(`---- ${ending}`);
    for (const topic of this.#topics.values()) topic.ending = worse(topic.ending, ending);
  }

  /** Carries something out. @returns false when the process died meanwhile */
  async #unlessDown(action: () => Promise<void>): Promise<boolean> {
    const done = action();
    done.catch(() => undefined);
    try {
      await Promise.race([done, this.#down]);
    } catch (error) {
      if (!this.#disk.isDown) throw error;
    }
    for (const [ledger, log] of this.#logs) ledger.note(log);
    return !this.#disk.isDown;
  }

  #runtime(): Runtime {
    const inner = hubRuntime({
      scheduler: this.#scheduler,
      host: this.#host,
      wall: this.#wall,
      random: this.#random.fork(),
      workUs: 0,
    });
    const survive = (callback: () => void) => (): void => {
      try {
        callback();
      } catch (error) {
        if (!(error instanceof ProcessGone)) throw error;
      }
    };
    return {
      ...inner,
      setTimer: (delayMs, callback) => inner.setTimer(delayMs, survive(callback)),
      endOfTurn: (callback) => inner.endOfTurn(survive(callback)),
    };
  }

  #heard(event: LogEvent): void {
    if (event.type === "failed" || event.type === "set-aside")
      this.#disk.trace?.push(`event ${event.type} ${event.type === "failed" ? event.error.message : event.reason}`);
    else if (event.type === "recovered")
      this.#disk.trace?.push(`event recovered ${event.records}, epoch ${event.newEpoch}`);
  }

  // ---- steps ---------------------------------------------------------------------------------------------------------

  async #carryOut(program: readonly Step[]): Promise<boolean> {
    for (const step of program) {
      this.#disk.trace?.push(`# ${JSON.stringify(step)}`);
      if (!(await this.#unlessDown(() => this.#step(step)))) return false;
      if (step.do === "reopen" && !((await this.#open()) && this.#judge())) return false;
    }
    return true;
  }

  /** Where the disk has faults, a step may be refused. */
  async #step(step: Step): Promise<void> {
    try {
      await this.#do(step);
    } catch (error) {
      const isRefused = error instanceof RingcastError && error.code === "unavailable";
      if (!this.#hasFaults || !isRefused || this.#disk.isDown) throw error;
      this.#disk.trace?.push(`refused: ${error.message}`);
      for (const topic of this.#topics.values()) for (const partition of topic.partitions) partition.refused();
    }
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case "create":
        this.#create(step.topic, step.config);
        return;
      case "configure":
        this.#configure(step.topic, step.change);
        return;
      case "delete":
        this.#delete(step.topic);
        return;
      case "append":
        this.#append(step);
        return;
      case "sync":
        await this.#sync(step);
        return;
      case "begin epoch":
        this.#beginEpoch(step);
        return;
      case "wait":
        await this.#scheduler.pause(step.ms);
        return;
      case "write back":
        this.#disk.writeBack();
        return;
      case "reopen":
        await this.#close();
        return;
      case "fail syncs":
        this.#disk.failSyncs = step.count;
        for (const topic of this.#topics.values()) for (const each of topic.partitions) each.hasFailed = true;
        return;
      case "full disk":
        this.#disk.isFull = step.isFull;
        return;
    }
  }

  #create(name: string, config: TopicConfig): void {
    const known = this.#topics.get(name);
    if (known?.state === "there") return;
    const topic: TopicLedger = {
      config,
      limits: [config],
      ending: "closed",
      state: "making",
      isSynced: false,
      partitions: Array.from({ length: config.partitions }, (_, i) => known?.partitions[i] ?? new PartitionLedger()),
      sequences: new Map(),
    };
    // Ledgers are kept beyond a deletion: no epoch may come again.
    if (known !== undefined) topic.partitions.push(...known.partitions.slice(config.partitions));
    this.#topics.set(name, topic);
    const stored = this.#make(name, topic);
    topic.state = "there";
    for (const [i, log] of stored.partitions.entries()) {
      topic.partitions[i]?.restart();
      topic.partitions[i]?.note(log);
    }
  }

  #make(name: string, topic: TopicLedger): StoredTopic {
    try {
      return this.#live.createTopic(name, topic.config);
    } catch (error) {
      if (!this.#disk.isDown) topic.state = "gone";
      throw error;
    }
  }

  #configure(name: string, change: Partial<TopicConfig>): void {
    const topic = this.#topics.get(name);
    if (topic?.state !== "there") return;
    const config = { ...topic.config, ...change };
    topic.limits.push(config);
    this.#live.configureTopic(name, config);
    topic.config = config;
  }

  #delete(name: string): void {
    const topic = this.#topics.get(name);
    if (topic?.state !== "there") return;
    topic.state = "going";
    try {
      this.#live.deleteTopic(name);
    } catch (error) {
      if (!this.#disk.isDown) topic.state = "there";
      throw error;
    }
    topic.state = "gone";
    for (const partition of topic.partitions) {
      this.#logs.delete(partition);
      partition.restart();
    }
  }

  #append(step: Step & { readonly do: "append" }): void {
    const [log, ledger, topic] = this.#partition(step) ?? [];
    if (log === undefined || ledger === undefined || topic === undefined) return;
    const batch = ++this.#batches;
    const texts = step.sizes.map((size, i) =>
      `${step.topic}/${step.partition} #${batch}.${i} `.padEnd(size, `${batch} `),
    );
    const producer = step.producer === undefined ? undefined : `${step.producer}-${this.#generation}`;
    const sequence = producer === undefined ? 0 : (topic.sequences.get(producer) ?? 0);
    const mark = producer === undefined ? undefined : { id: producer, sequence, digest: batch };
    if (mark !== undefined) {
      const verdict = this.#live.topic(step.topic)?.judge(mark, [log.partition]);
      if (verdict?.kind !== "new") this.#wrong.push(`${producer}/${sequence} is ${verdict?.kind}, and is new`);
    }
    const messages = texts.map((text) => ({
      contentType: CONTENT_TYPE.bytes,
      data: encodeUtf8(text),
      key: undefined,
      headers: new Uint8Array(0),
    }));
    const timestamp = Math.max(this.#wall.nowMs(), log.lastTimestamp);
    // As the hub does: it may find that another epoch has to begin.
    log.open();
    ledger.append(log, { texts, mark, atMs: timestamp }, () =>
      log.append(messages, { epoch: log.epoch, firstOffset: log.head, timestamp }, mark),
    );
    if (producer !== undefined) topic.sequences.set(producer, sequence + 1);
  }

  async #sync(step: Step & { readonly do: "sync" }): Promise<void> {
    const [log, ledger, topic] = this.#partition(step) ?? [];
    if (log === undefined || ledger === undefined || topic === undefined) return;
    const { head } = log;
    const { count } = ledger;
    const synced = log.synced().then(() => {
      if (ledger.count < count || topic.state !== "there") return;
      ledger.synced(head);
      topic.isSynced ||= count > 0;
    });
    if (step.isAwaited) await synced;
    else synced.catch(() => undefined);
  }

  #beginEpoch(step: Step & { readonly do: "begin epoch" }): void {
    const [log, ledger] = this.#partition(step) ?? [];
    if (log === undefined || ledger === undefined) return;
    const epochs = Array.from({ length: step.epochs }, (_, i) => ({
      epoch: `begun-${++this.#batches}-${i}`,
      first: log.head,
    }));
    const lineage = [...log.lineage, ...epochs];
    ledger.begin(log, lineage);
  }

  #partition({
    topic: name,
    partition,
  }: {
    topic: string;
    partition: number;
  }): [RingLog, PartitionLedger, TopicLedger] | undefined {
    const topic = this.#topics.get(name);
    if (topic?.state !== "there") return undefined;
    const stored = this.#live.topic(name);
    const log = stored?.partitions[partition % topic.config.partitions];
    const ledger = topic.partitions[partition % topic.config.partitions];
    if (log === undefined || ledger === undefined) throw new Error(`The topic ${name} is gone`);
    this.#logs.set(ledger, log);
    return [log, ledger, topic];
  }

  get #live(): LogStore {
    if (this.#store === undefined) throw new Error("No store is open");
    return this.#store;
  }

  // ---- judging -------------------------------------------------------------------------------------------------------

  /** @returns false when something is wrong, or the process died meanwhile: then it is looked at again */
  #judge(): boolean {
    for (const [name, topic] of this.#topics) {
      const takeOver = this.#judgeTopic(name, topic);
      if (this.#disk.isDown) return false;
      takeOver();
    }
    return this.#wrong.length === 0;
  }

  /** @returns what has to be done if the process still runs then */
  #judgeTopic(name: string, topic: TopicLedger): () => void {
    const { ending, state } = topic;
    const stored = this.#lookFor(name);
    const wrong: string[] = [];
    const isCut = ending === "power cut";
    if (stored === undefined && state === "there" && (!isCut || topic.isSynced)) wrong.push("the topic is gone");
    if (stored !== undefined && state === "gone" && !isCut) wrong.push("the topic was deleted, and is there");
    // What nobody was told of, and what a power cut has brought back, promises nothing.
    const isPromised = stored !== undefined && (state === "there" || state === "making");
    if (!isPromised) for (const partition of topic.partitions) partition.restart();
    const expected = { ...this.#expected(topic, stored), ending: state === "there" ? ending : ("power cut" as const) };
    const verdicts = (stored?.partitions ?? []).map((log, i): Verdict => {
      const verdict = this.#judgePartition((topic.partitions[i] ??= new PartitionLedger()), log, expected);
      wrong.push(...verdict.wrong.map((what) => `partition ${i}: ${what}`));
      return verdict;
    });
    return () => {
      this.#wrong.push(...wrong.map((what) => `${name}, ${ending}: ${what}`));
      Object.assign(topic, { state: stored === undefined ? "gone" : "there", ending: "closed", isSynced: false });
      topic.sequences.clear();
      if (stored !== undefined) Object.assign(topic, { config: stored.config, limits: [stored.config] });
      for (const { takeOver } of verdicts) takeOver();
      for (const [i, log] of (stored?.partitions ?? []).entries())
        this.#logs.set(topic.partitions[i] as PartitionLedger, log);
    };
  }

  #lookFor(name: string): StoredTopic | undefined {
    try {
      return this.#live.topic(name);
    } catch (error) {
      if (this.#disk.isDown) return undefined;
      throw error;
    }
  }

  #judgePartition(ledger: PartitionLedger, log: RingLog, expected: Expected): Verdict {
    try {
      return ledger.judge(log, expected);
    } catch (error) {
      if (this.#disk.isDown) return { wrong: [], takeOver: () => undefined };
      throw error;
    }
  }

  /** What retention may have taken, by whatever limits held since the last time. */
  #expected(topic: TopicLedger, stored: StoredTopic | undefined): Omit<Expected, "ending"> {
    const limits = stored === undefined ? topic.limits : [...topic.limits, stored.config];
    const most = (limit: number): number => (limit === 0 ? Infinity : limit);
    const capacities = limits.map(({ capacityBytes }) => capacityBytes);
    return {
      records: Math.min(...limits.map(({ retentionRecords }) => most(retentionRecords))),
      sinceMs: this.#wall.nowMs() - Math.min(...limits.map(({ retentionMs }) => most(retentionMs))),
      isShrinking: new Set(capacities).size > 1,
      mayBegin: this.#hasFaults,
    };
  }
}

function worse(one: Ending, other: Ending): Ending {
  const order: readonly Ending[] = ["closed", "killed", "power cut"];
  return order.indexOf(one) > order.indexOf(other) ? one : other;
}
