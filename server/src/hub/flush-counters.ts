/** What flushes have done since the start. */
import { Histogram } from "./histogram.js";

const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576];

export class FlushCounters {
  flushes = 0;
  flushMs = 0;
  deliveredFrames = 0;
  deliveredBytes = 0;
  /**
   * Seconds from an append to the writes that bring it to readers at the head. One value per flush: the turn's oldest append against the end of
   * the visits to live readers, so that it is the longest of the turn.
   */
  readonly publishToSend = new Histogram(SECONDS);
  /** Bytes written to one reader in one flush. */
  readonly flushBytes = new Histogram(BYTES);

  /** A flush is over. */
  flushed(tookMs: number): void {
    this.flushes += 1;
    this.flushMs += tookMs;
  }

  /** Frames, replies not counted, went to one reader. */
  sent(frames: number, bytes: number): void {
    this.deliveredFrames += frames;
    this.deliveredBytes += bytes;
    this.flushBytes.count(bytes);
  }

  /** All readers at the head have what was appended so long ago. */
  sentAfter(ms: number): void {
    this.publishToSend.count(ms / 1_000);
  }
}
