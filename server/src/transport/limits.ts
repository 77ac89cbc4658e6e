/**
 * Limits and small rules that both adapters keep.
 */

/** How long a connection that is being closed may take to read what is buffered and to answer the close frame. */
export const CLOSE_TIMEOUT_MS = 10_000;

/** How long {@link import("./port.js").Transport.close} waits for connections that are being closed already. */
export const GOODBYE_MS = 1_000;

/** Pings that one connection may send in a second, together with pongs that nobody asked for; beyond it, it is cut. */
export const MAX_PINGS_PER_SECOND = 1_000;

/** A body of which nobody reads the rest is still taken and dropped up to this, so that the peer gets to see the answer. */
export const DISCARD_BYTES = 16 * 1024 * 1024;

/** A peer that sends nothing for so long has read the answer, or never will. */
export const DISCARD_PAUSE_MS = 2_000;

/** The most that a close frame's reason may have. */
const REASON_BYTES = 123;

/** Cuts a close reason to what fits into the frame, never inside a character. */
export function closeReason(reason: string): string {
  if (Buffer.byteLength(reason) <= REASON_BYTES) return reason;
  const bytes = new Uint8Array(REASON_BYTES);
  const { read } = new TextEncoder().encodeInto(reason, bytes);
  return reason.slice(0, read);
}

/** Counts pings and unasked pongs of one connection. A clock reading for each; nothing where there are none. */
export class PingMeter {
  #secondFrom = 0;
  #pings = 0;

  /** @returns whether the connection may go on */
  count(nowMs: number): boolean {
    if (nowMs - this.#secondFrom >= 1_000) {
      this.#secondFrom = nowMs;
      this.#pings = 0;
    }
    return ++this.#pings <= MAX_PINGS_PER_SECOND;
  }
}
