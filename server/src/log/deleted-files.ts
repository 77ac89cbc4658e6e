import { join } from "node:path";
import { RingcastError } from "@ringcast/protocol";
import type { Catalogue } from "./catalogue/catalogue.js";
import type { Disk } from "./disk/index.js";
import { fileNameOf } from "./file-name.js";
import { asUnavailable, removeLogFile } from "./log-files.js";

/** The files of deleted topics, until they are gone. */
export class DeletedFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #catalogue: Catalogue;
  /** Deleted topics whose files may still be there, with the number of their partitions. */
  readonly #doomed = new Map<string, number>();

  /** @param directory of the log files */
  constructor(disk: Disk, directory: string, catalogue: Catalogue) {
    this.#disk = disk;
    this.#directory = directory;
    this.#catalogue = catalogue;
  }

  /** Goes on with what the process before has left. */
  start(): void {
    for (const { name, partitions } of this.#catalogue.doomed()) this.remove(name, partitions);
  }

  /** The topic is deleted, whether its files can go or not: the next start tries it again, and so does whoever makes the name anew. */
  remove(name: string, partitions: number): void {
    this.#doomed.set(name, partitions);
    try {
      this.ensureGone(name);
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /** @throws RingcastError `unavailable` where a file of a topic that had this name can't be removed */
  ensureGone(name: string): void {
    const partitions = this.#doomed.get(name);
    if (partitions === undefined) return;
    for (let partition = 0; partition < partitions; partition++) {
      try {
        removeLogFile(this.#disk, this.#directory, name, partition);
      } catch (error) {
        throw asUnavailable(error, join(this.#directory, fileNameOf(name, partition)));
      }
    }
    this.#catalogue.forgetFiles(name);
    this.#doomed.delete(name);
  }
}
