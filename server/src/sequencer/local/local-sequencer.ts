import type { Assignment, RingLog } from "../../log/index.js";
import type { Sequencer } from "../port.js";

/** The sequencer of a hub that runs alone: each log goes on where it stands. */
export class LocalSequencer implements Sequencer {
  assign(log: RingLog, nowMs: number): Assignment {
    return { epoch: log.epoch, firstOffset: log.head, timestamp: Math.max(nowMs, log.lastTimestamp) };
  }
}
