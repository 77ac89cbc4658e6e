/** Puts a row to its servers in turn: each is started once, then they take turns, each round beginning with another one, so that drifts of the machine meet all. */
import { LoadGenerator } from "../../server/src/cli/bench/generator.js";
import type { Peer, RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import type { Parts } from "../report/parts.js";
import type { RowResult, Series } from "../report/result.js";
import { PerfRecording } from "../support/perf-recording.js";
import { isAlive } from "../support/process-usage.js";
import type { Progress } from "../support/progress.js";
import type { Bench, Row } from "./scenario.js";

export interface RunOptions {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  /** Whether it is looked at where each server's time goes; the figures are a little worse then. */
  readonly isProfiled: boolean;
}

/** What a row came to. */
export interface RowOutcome {
  readonly result: Omit<RowResult, "run">;
  /** Where the time went, by the name of the server. */
  readonly parts: Readonly<Record<string, Parts>>;
}

/** Nothing takes longer but what hangs. */
const TURN_TIMEOUT_MS = 120_000;

/** @param contenders those of the row that are installed and wanted */
export async function runRow(
  row: Row,
  contenders: readonly Peer[],
  options: RunOptions,
  progress: Progress,
): Promise<RowOutcome> {
  progress.row(row.title);
  const loads = new Loads();
  const entrants = contenders.map((peer) => new Entrant(row, peer, loads, { ...options, progress }));
  const rounds = turnsOf(row, options);
  try {
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < entrants.length; n++) {
        await entrants[(n + round) % entrants.length]!.takeTurn(`${round + 1} of ${rounds}`);
        progress.done();
      }
    }
  } finally {
    await loads.close();
    for (const entrant of entrants) await entrant.close();
  }
  const { id, title, unit, figures, limit } = row;
  const series = entrants.map((each) => each.series);
  const parts = Object.fromEntries(entrants.flatMap(({ parts, series: { name } }) => (parts ? [[name, parts]] : [])));
  return { result: { id, title, unit, figures, ...(limit === undefined ? {} : { limit }), series }, parts };
}

/** Turns that each server gets. */
export function turnsOf(row: Row, { rounds }: Pick<RunOptions, "rounds">): number {
  return Math.min(rounds, row.rounds ?? rounds);
}

/** One server in one row. */
class Entrant {
  readonly series: Series & { readonly rounds: Figures[]; readonly failures: string[] };
  /** Of its last turn that said anything about it. */
  parts: Parts | undefined;
  #server: RunningPeer | undefined;

  constructor(
    private readonly row: Row,
    private readonly peer: Peer,
    private readonly loads: Loads,
    private readonly options: RunOptions & { readonly progress: Progress },
  ) {
    this.series = { name: peer.name, rounds: [], failures: [], notes: peer.notes };
  }

  /** What goes wrong is noted and ends nothing: another server's figures are worth as much. */
  async takeTurn(which: string): Promise<void> {
    const { progress } = this.options;
    const step = (text: string): void => progress.step(`${this.peer.name}, ${which}: ${text}`);
    try {
      step("begins");
      this.series.rounds.push(await withinTime(this.#turn(step)));
      await this.loads.clear();
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      this.series.failures.push(failure);
      progress.say(`${this.row.id}: ${this.peer.name} has failed: ${failure}`);
      await this.loads.close();
    }
    // One that has died, or must not be met a second time, is started anew for the next turn.
    if (this.row.isFresh === true || !isAlive(this.#server?.pid ?? 0)) await this.close();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }

  async #turn(step: Bench["step"]): Promise<Figures> {
    const { seconds, warmUpSeconds } = this.options;
    const bench: Bench = { peer: this.peer, load: await this.loads.get(), seconds, warmUpSeconds, step };
    if (this.#server === undefined) {
      this.#server = await this.peer.start();
      await this.row.prepare?.(this.#server, bench);
    }
    return this.options.isProfiled ? this.#profiled(this.#server, bench) : this.row.turn(this.#server, bench);
  }

  async #profiled(server: RunningPeer, bench: Bench): Promise<Figures> {
    const recording = PerfRecording.start(server.pid);
    try {
      return await this.row.turn(server, bench);
    } finally {
      this.parts = (await recording.end()) ?? this.parts;
    }
  }
}

/** The load generator of a row: the same for all turns, since it gets warm too, but for those that come after a failure. */
class Loads {
  #load: LoadGenerator | undefined;

  async get(): Promise<LoadGenerator> {
    this.#load ??= await LoadGenerator.start();
    return this.#load;
  }

  /** Ends the connections of a turn. */
  async clear(): Promise<void> {
    await this.#load?.endAll();
  }

  async close(): Promise<void> {
    const load = this.#load;
    this.#load = undefined;
    await load?.close();
  }
}

async function withinTime<T>(turn: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It hung for ${TURN_TIMEOUT_MS / 1_000} s.`)), TURN_TIMEOUT_MS);
  });
  try {
    return await Promise.race([turn, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
