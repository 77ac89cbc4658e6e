/** The IndexedDB database that keeps what must outlive a page. */
import { RingcastError } from "@ringcast/protocol";
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Start } from "@ringcast/protocol";
import type { KeptPublish } from "../outbox.js";

/** A publish in the outbox of one page. */
export interface StoredPublish extends KeptPublish {
  /** Tells the pages apart that are open at once. */
  readonly slot: number;
  /** Ascends in the order of the publishes of a slot. */
  readonly key: number;
}

interface Schema extends DBSchema {
  publishes: { key: [slot: number, key: number]; value: StoredPublish };
  positions: { key: string; value: Start };
}

export type Database = IDBPDatabase<Schema>;

const VERSION = 1;

/**
 * Opens a database of this origin, or makes it.
 * @throws RingcastError (as a rejection) `unavailable` where the platform offers none, or not here
 */
export async function openDatabase(name: string): Promise<Database> {
  const { indexedDB, navigator } = globalThis as Partial<typeof globalThis>;
  if (indexedDB === undefined || !("locks" in (navigator ?? {}))) {
    throw new RingcastError(
      "unavailable",
      "IndexedDB and Web Locks are needed: serve the page over https, or from localhost.",
    );
  }
  try {
    return await openDB<Schema>(databaseName(name), VERSION, {
      upgrade: (database) => {
        database.createObjectStore("publishes", { keyPath: ["slot", "key"] });
        database.createObjectStore("positions");
      },
    });
  } catch (cause) {
    throw new RingcastError("unavailable", `IndexedDB refuses the database: ${String(cause)}`, {}, { cause });
  }
}

/** Name of the database, and beginning of the names of its locks. */
export function databaseName(name: string): string {
  return `ringcast:${name}`;
}
