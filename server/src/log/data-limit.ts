import { RingcastError } from "@ringcast/protocol";

/** The directory holds as much as it may. A refusal, not a failure: nothing is wrong with the storage, and everything that doesn't grow goes on. */
export class DataLimitError extends RingcastError {
  /** @param bytes what all logs take now */
  constructor(bytes: number, maxDataBytes: number) {
    const advice = "raise maxDataBytes, delete topics or lower their capacityBytes";
    const message = `The data directory holds ${bytes} bytes of logs, and may hold ${maxDataBytes} (maxDataBytes): ${advice}.`;
    super("unavailable", message, { stored: "no" });
  }
}
