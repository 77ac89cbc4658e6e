/** Where an export goes: standard output, or a file that has its name only when it is whole. */
import { randomBytes } from "node:crypto";
import { open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { RingcastError } from "@ringcast/protocol";

export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  /** Everything has been written: it is synced and gets its name. */
  finish(): Promise<void>;
  /** Nothing is left of it. Harmless behind {@link finish}. */
  discard(): Promise<void>;
}

/** @throws RingcastError `bad_request` where the file can't be made */
export async function openOutput(file: string): Promise<Output> {
  if (file === "-") return { write: writeToStandardOutput, finish: async () => {}, discard: async () => {} };
  const temporary = `${file}.${randomBytes(4).toString("hex")}.part`;
  const handle = await open(temporary, "wx", 0o600).catch((cause: unknown) => {
    throw unwritable(cause);
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    isOpen = false;
    await handle.close();
  };
  return {
    write: async (bytes) => {
      try {
        for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
      } catch (cause) {
        throw unwritable(cause);
      }
    },
    finish: async () => {
      try {
        await handle.sync();
        await close();
        await rename(temporary, file);
        await syncFolder(dirname(file));
      } catch (cause) {
        throw unwritable(cause);
      }
    },
    discard: async () => {
      if (!isOpen) return;
      await close();
      await unlink(temporary);
    },
  };
}

function writeToStandardOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** The name itself survives a power cut only when the folder is on the device, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(cause: unknown): RingcastError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RingcastError("bad_request", `The file can't be written: ${reason}`, { field: "output" }, { cause });
}
