/**
 * The outbox over IndexedDB. Each page that is open has a slot of its own, held by a lock: two pages never send under
 * the same producer. A page that comes takes the lowest slot that is free, so a reloaded one finds its own again, and
 * takes over what pages that are gone have left in others.
 */
import type { KeptPublish, Outbox } from "../outbox.js";
import { databaseName, type Database } from "./database.js";
import { tryLock, type Release } from "./locks.js";

/** Pages of one origin that may be open at once. */
const MAX_SLOTS = 1_000;

export interface PersistentOutbox extends Outbox {
  /** Gives the slot to another page. What is kept stays kept. */
  close(): Promise<void>;
}

interface Change {
  /** Undefined: drop it. */
  readonly publish: KeptPublish | undefined;
  readonly key: number;
}

export function createOutbox(database: Database, name: string): PersistentOutbox {
  let slot = -1;
  let release: Release | undefined;
  let changes: Change[] = [];
  let writing: Promise<void> | undefined;
  /** What a publish is written down under. */
  const keys = new WeakMap<KeptPublish, number>();
  let lastKey = 0;

  const lockOf = (number: number): string => `${databaseName(name)}:outbox:${number}`;

  const takeSlot = async (): Promise<void> => {
    for (let number = 0; number < MAX_SLOTS; number++) {
      release = await tryLock(lockOf(number));
      slot = number;
      if (release !== undefined) return;
    }
    throw new Error(`${MAX_SLOTS} pages use the outbox "${name}" already`);
  };

  /** Moves what a page that is gone has left behind ours, in one transaction: it is never in two slots, or in none. */
  const adopt = async (other: number): Promise<void> => {
    const releaseOther = await tryLock(lockOf(other));
    if (releaseOther === undefined) return;
    const { store, done } = database.transaction("publishes", "readwrite");
    let key = (await store.openKeyCursor(rangeOf(slot), "prev"))?.key[1] ?? 0;
    for (const left of await store.getAll(rangeOf(other))) {
      await store.put({ ...left, slot, key: ++key });
      await store.delete([other, left.key]);
    }
    await done;
    releaseOther();
  };

  const load: Outbox["load"] = async (restore) => {
    await takeSlot();
    const slots = new Set((await database.getAllKeys("publishes")).map(([used]) => used));
    slots.delete(slot);
    for (const other of slots) await adopt(other);
    for (const kept of await database.getAll("publishes", rangeOf(slot))) {
      lastKey = kept.key;
      keys.set(restore(kept), lastKey);
    }
  };

  /**
   * Everything that was asked for in one turn goes into one transaction; the next begins when it is done, so promises
   * resolve in order.
   */
  const write = async (): Promise<void> => {
    await writing?.catch(() => undefined);
    const batch = changes;
    changes = [];
    if (batch.length === 0) return;
    const { store, done } = database.transaction("publishes", "readwrite");
    for (const { publish, key } of batch) {
      if (publish === undefined) store.delete([slot, key]).catch(noop);
      else {
        const { target, body, producer, sequence } = publish;
        store.put({ slot, key, target, body, producer, sequence }).catch(noop);
      }
    }
    await done;
  };

  const change = (one: Change): Promise<void> => {
    // Into the transaction that waits, where there is one.
    if (changes.push(one) === 1) writing = write();
    return writing as Promise<void>;
  };

  return {
    load,
    keep: (publish) => {
      const key = keys.get(publish) ?? ++lastKey;
      keys.set(publish, key);
      return change({ publish, key });
    },
    drop: (publish) => {
      const key = keys.get(publish);
      // Where that fails, the next page sends it again, and the hub knows it.
      if (key !== undefined) change({ publish: undefined, key }).catch(noop);
    },
    close: async () => {
      await writing?.catch(noop);
      release?.();
    },
  };
}

function rangeOf(slot: number): IDBKeyRange {
  return IDBKeyRange.bound([slot, 0], [slot, Infinity]);
}

/** The transaction as a whole fails with it. */
function noop(): void {}
