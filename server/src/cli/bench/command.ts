/** What the main thread and the threads of the generator tell each other. */
import type { Target } from "./plan.js";

/** Connections that are to be made. They are numbered over all threads; each thread is told which numbers are its own. */
interface Newcomers {
  readonly target: Target;
  readonly numbers: readonly number[];
  readonly topics: readonly string[];
}

export type Command =
  | (Newcomers & {
      readonly type: "readers";
      readonly perConnection: number;
      readonly from: "latest" | "earliest";
    })
  | (Newcomers & {
      readonly type: "writers";
      readonly bytes: number;
      readonly batch: number;
      /** Records a second of this thread. */
      readonly rate: number | undefined;
      readonly inflight: number;
      readonly ahead: number;
      /** Readers that a record goes to, on the average. */
      readonly readers: number;
    })
  /** The writers that have come begin. */
  | { readonly type: "publish" }
  | (Newcomers & { readonly type: "churners"; readonly inflight: number })
  /** Readers with lower numbers than `count` read no more; a record goes to `readers` others, on the average. */
  | { readonly type: "stall"; readonly count: number; readonly readers: number }
  | { readonly type: "resume" }
  /** All readers are cut off and come again. */
  | { readonly type: "cut" }
  /** Writers publish no more; their connections stay. */
  | { readonly type: "pause" }
  /** Writers and churners go away, and readers where that is said. */
  | { readonly type: "end"; readonly readers: boolean };

/** To a thread. */
export interface Order {
  readonly id: number;
  readonly command: Command;
}

/** From a thread. */
export type Report =
  { readonly type: "done"; readonly id: number } | { readonly type: "failed"; readonly reason: string };

/** What a thread begins with. */
export interface ThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly thread: number;
}
