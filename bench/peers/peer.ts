/** A server that is measured: the hub itself, or one that people would use instead. */
import type { Target } from "../../server/src/cli/bench/plan.js";

export interface Peer {
  /** As the tables show it, e.g. `NATS JetStream`. */
  readonly name: string;
  /** What it can be compared in. */
  readonly abilities: readonly Ability[];
  /** The version that would run; undefined: it is not installed. */
  version(): string | undefined;
  /** Command that installs it, for who lacks it. */
  readonly install: string;
  /** Starts it on 127.0.0.1, a free port, with data of its own. */
  start(): Promise<RunningPeer>;
}

/** `fanout`: delivers to subscribers. `ingest`: acknowledges what it has stored. `echo`: acknowledges and stores nothing. `replay`: reads from the start. */
export type Ability = "fanout" | "ingest" | "echo" | "replay";

export interface RunningPeer {
  /** Where and how its processor time and memory are read. */
  readonly pid: number;
  /** How to reach it for this purpose: some are faster over TCP than over WebSocket. */
  target(ability: Ability): Target;
  /** What has to be there before topics are used (streams, topics with a larger ring). */
  prepare?(topics: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}
