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

/** Bytes that all logs of a store take, and how many its files may. */
export class DataUse {
  /** Of all files, those of topics that nobody asked for included. */
  fileBytes: number;
  /** Of topics in memory. */
  heapBytes = 0;
  /** Limit of {@link fileBytes}; 0: none. */
  maxFileBytes: number;

  constructor(fileBytes: number, maxFileBytes: number) {
    this.fileBytes = fileBytes;
    this.maxFileBytes = maxFileBytes;
  }

  /** @throws DataLimitError where the files would take more than they may */
  checkRoom(bytes: number): void {
    if (this.maxFileBytes === 0 || this.fileBytes + bytes <= this.maxFileBytes) return;
    throw new DataLimitError(this.fileBytes, this.maxFileBytes);
  }
}
