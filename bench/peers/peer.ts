/** A server that is measured: the hub itself, or one that people would use instead. */
import type { Target } from "../../server/src/cli/bench/plan.js";

export interface Peer {
  /** As the tables show it, e.g. `NATS JetStream`. */
  readonly name: string;
  /** What it can be compared in. */
  readonly abilities: readonly Ability[];
  /** What a reader of the table has to know: how it was tuned, and what it doesn't do that others do. */
  readonly notes: readonly string[];
  /** The version that would run; undefined: it is not installed. */
  version(): string | undefined;
  /** Command that installs it, for who lacks it. */
  readonly install: string;
  /** Starts it on 127.0.0.1, a free port, with data of its own. */
  start(): Promise<RunningPeer>;
}

/**
 * `fanout`: delivers to subscribers. `ingest`: acknowledges what it has stored. `echo`: acknowledges and stores nothing. `replay`: reads from the start.
 * `http`: answers each POST, without a wire of ours ({@link RunningPeer.post}).
 */
export type Ability = "fanout" | "ingest" | "echo" | "replay" | "http";

export interface RunningPeer {
  /** Where and how its processor time and memory are read. */
  readonly pid: number;
  /** How to reach it for this purpose: some are faster over TCP than over WebSocket. @throws Error when it has no such ability */
  target(ability: Exclude<Ability, "http">): Target;
  /** How one record is posted, with `http`. */
  post?(topic: string): Posting;
  /**
   * What has to be there before topics are used (streams, topics with a larger ring).
   * @param capacityBytes what each of them has room for, {@link CAPACITY_BYTES} when left out
   */
  prepare?(topics: readonly string[], capacityBytes?: number): Promise<void>;
  stop(): Promise<void>;
}

/** A POST whose body is the payload as it is; the answer is 201 with a short JSON document. */
export interface Posting {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Room for a million records of 128 bytes with whatever a log keeps of each. */
export const CAPACITY_BYTES = 256 * 1024 * 1024;
