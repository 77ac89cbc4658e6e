/**
 * What processes of this machine cost: processor time, divided into user and system, and private memory, from /proc
 * (Linux).
 */
import { readdirSync, readFileSync } from "node:fs";
import type { ProcessUse } from "./plan.js";

const TICKS_PER_SECOND = 100;
/** As many ticks may the two accounts of a process differ by, without a thread having ended. */
const TOLERATED_TICKS = 3;

/** What was used up to one moment. */
interface Usage {
  readonly userTicks: number;
  readonly systemTicks: number;
  /** By thread; the kernel forgets those that end. */
  readonly threadNs: ReadonlyMap<string, number>;
}

/** Measures from {@link begin} to {@link end}. */
export class ProcessMeter {
  readonly #pids: readonly number[];
  #before: readonly Usage[] = [];

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  begin(): void {
    this.#before = this.#pids.map(readUsage);
  }

  /** @throws Error where a process is gone */
  end(): ProcessUse {
    let userSeconds = 0;
    let systemSeconds = 0;
    let rssAnonBytes = 0;
    this.#pids.forEach((pid, index) => {
      const used = difference(this.#before[index] as Usage, readUsage(pid));
      userSeconds += used.userSeconds;
      systemSeconds += used.systemSeconds;
      rssAnonBytes += rssAnonOf(pid);
    });
    return { userSeconds, systemSeconds, rssAnonBytes };
  }
}

/** Private memory of a process that no file backs. @throws Error where there is no such process */
export function rssAnonOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

function readUsage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const threads = readdirSync(`/proc/${pid}/task`).map((thread): [string, number] => [
    thread,
    readThreadNs(`/proc/${pid}/task/${thread}/schedstat`),
  ]);
  return { userTicks: Number(fields[11]), systemTicks: Number(fields[12]), threadNs: new Map(threads) };
}

function readThreadNs(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]);
  } catch (error) {
    // The thread has ended meanwhile, or this kernel keeps no such account.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return 0;
    throw error;
  }
}

/**
 * The scheduler's account is exact to the nanosecond but knows neither user nor system, nor threads that have ended;
 * the other one counts ticks.
 */
function difference(before: Usage, after: Usage): Pick<ProcessUse, "userSeconds" | "systemSeconds"> {
  const user = after.userTicks - before.userTicks;
  const system = after.systemTicks - before.systemTicks;
  const ticks = user + system;
  let ns = 0;
  for (const [thread, now] of after.threadNs) ns += Math.max(0, now - (before.threadNs.get(thread) ?? 0));
  const exactTicks = (ns / 1e9) * TICKS_PER_SECOND;
  const total = ticks - exactTicks > TOLERATED_TICKS ? ticks : exactTicks;
  const userShare = ticks === 0 ? 0.5 : user / ticks;
  return {
    userSeconds: (total * userShare) / TICKS_PER_SECOND,
    systemSeconds: (total * (1 - userShare)) / TICKS_PER_SECOND,
  };
}
