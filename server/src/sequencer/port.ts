/**
 * Gives offsets, epoch and time to a batch. The local sequencer decides by itself and at once; one that several instances share may
 * answer later, so the hub acknowledges only when {@link Sequencer.commit} of the turn is done.
 */
import type { Assignment, RingLog } from "../log/index.js";

export interface Sequencer {
  /** Where the next batch of this log goes. */
  assign(log: RingLog, nowMs: number): Assignment;
}
