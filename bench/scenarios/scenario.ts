/** A question about speed or size, and how it is put to several servers in turn. */
import type { FigureName, Figures } from "../report/figures.js";
import type { Peer, RunningPeer } from "../peers/peer.js";
import type { LoadGenerator } from "../../server/src/cli/bench/generator.js";

export interface Scenario {
  /** As it is called on the command line. */
  readonly name: string;
  readonly title: string;
  /** What is done, so that somebody else could do it too. */
  readonly about: string;
  readonly rows: readonly Row[];
}

/** One setting, in which servers are compared. */
export interface Row {
  /** `<scenario>/<what sets it apart>`, the same for ever: targets and results name it. */
  readonly id: string;
  readonly title: string;
  /** What is counted and divided by: `delivery`, `record`. */
  readonly unit: string;
  /** What is shown; bars compare the first. */
  readonly figures: readonly FigureName[];
  readonly contenders: readonly Peer[];
  /** What keeps the figures from being better, as far as profiles show. */
  readonly limit?: string;
  /** A process of its own for each turn, where what is left of an earlier turn would be measured too. */
  readonly isFresh?: boolean;
  /** Turns of each server, where more of them would only take time. */
  readonly rounds?: number;
  /** Brings a server that has just started to where turns can begin. */
  prepare?(server: RunningPeer, bench: Bench): Promise<void>;
  /** One turn of one server. */
  turn(server: RunningPeer, bench: Bench): Promise<Figures>;
}

/** What a turn has at hand. */
export interface Bench {
  /** The server whose turn it is. */
  readonly peer: Peer;
  /** Without any connections when a turn begins; what is left of them at its end is ended. */
  readonly load: LoadGenerator;
  /** Length of a window that is measured, and of the time before it in which code gets warm. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Shows what is being done. */
  readonly step: (text: string) => void;
}
