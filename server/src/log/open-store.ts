/** From a data directory to its store: whose it is, which run of the hub this is, whether it can be written at all. */
import { crc32 } from "node:zlib";
import { RingcastError, setNativeCrc32, shown } from "@ringcast/protocol";
import { type Disk, NodeDisk } from "./disk/index.js";
import type { LogStore } from "./port.js";
import { RunFile } from "./run-file.js";
import { DirectoryLogStore, logsIn, type LogStoreOptions } from "./store.js";

/**
 * Opens a data directory: reads the catalogue, and recovers the logs that the process before left open.
 *
 * @throws RingcastError with `details.field` "data" when the directory can't be used, e.g. because another hub has it
 */
export function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  return new Promise((resolve) => {
    resolve(openDirectory(options));
  });
}

function openDirectory(options: LogStoreOptions): LogStore {
  setNativeCrc32(crc32);
  const disk = options.disk ?? new NodeDisk();
  const bootId = options.bootId ?? disk.bootId();
  const lock = disk.lock(options.directory);
  let run: RunFile | undefined;
  try {
    run = beginRun(disk, options.directory, { bootId, nowMs: options.runtime.nowMs() });
    prepareFolder(disk, logsIn(options.directory));
    return new DirectoryLogStore({ ...options, disk, bootId }, lock, run);
  } catch (error) {
    run?.close();
    lock.release();
    throw error;
  }
}

/** @throws RingcastError `unavailable` with `details.field` "data" */
function beginRun(disk: Disk, directory: string, now: { readonly bootId: string; readonly nowMs: number }): RunFile {
  try {
    return new RunFile(disk, directory, now);
  } catch (error) {
    const message = `The data directory ${shown(directory)} can't be written: look for a full or failing disk.`;
    throw new RingcastError("unavailable", message, { field: "data" }, { cause: error });
  }
}

/**
 * Makes the folder of the logs where there is none. The process before may have died between making a file and syncing its name: whoever syncs that log next
 * knows nothing of it.
 *
 * @throws RingcastError `unavailable` where something else has the name, or the file system refuses
 */
function prepareFolder(disk: Disk, path: string): void {
  try {
    disk.makeFolder(path);
    disk.syncFolderNow(path);
  } catch (error) {
    const message = `The folder ${shown(path)} can't be made: move what has its name away, or choose another data directory.`;
    throw new RingcastError("unavailable", message, { field: "data" }, { cause: error });
  }
}
