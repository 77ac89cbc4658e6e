/** What a client is asked to do, and what it says of it: the same words for processes and pages, SDK and clients written by hand. */

export type Dialect = "binary" | "json";

/** What a message holds: an object of five members, 128 characters, 128 bytes. */
export const KINDS = ["object", "text", "bytes"] as const;
export type Kind = (typeof KINDS)[number];

/** One client's work; plain data. */
export interface Task {
  readonly what: "read" | "publish";
  /** Of the hub, e.g. `ws://127.0.0.1:7447`. */
  readonly url: string;
  readonly dialect: Dialect;
  readonly topic: string;
  /** Messages to read or to publish in all. */
  readonly records: number;
  /** Messages of one publish; 1: `publish`, each awaiting `drained()`. */
  readonly batch?: number;
  /** Window of the subscription; the SDK's own by default. */
  readonly window?: number;
}

/** What it took, from the first request on a standing connection to the last record or acknowledgement. */
export interface Outcome {
  readonly wallMs: number;
  /** Of the process, all its threads. A page can't tell: its browser is asked. */
  readonly cpuMs: number;
}

/** Does a task; calls `begin` when the connection stands and `end` when all is done. */
export type Client = (task: Task, begin: () => void, end: () => void) => Promise<void>;

const TEXT =
  "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna ";

/** Data of message `n`. */
export function dataOf(kind: Kind, n: number): unknown {
  switch (kind) {
    case "object":
      return {
        id: n,
        sensor: `sensor-${n % 100}`,
        value: (n % 1_000) / 8,
        isValid: n % 3 !== 0,
        takenMs: 1_763_600_000_000 + n,
      };
    case "text":
      return `${n} `.padEnd(12) + TEXT.padEnd(116, "x");
    case "bytes":
      return new Uint8Array(128).fill(n);
  }
}
