/**
 * The outbox over IndexedDB. Each page that is open has a slot of its own, held by a lock: two pages never send under
 * the same producer. A page that comes takes the lowest slot that is free, so a reloaded one finds its own again, and
 * takes over what pages that are gone have left in others, or leave there later.
 */
import type { KeptPublish, Outbox } from "../outbox.js";
import { databaseName, type Database, type StoredPublish } from "./database.js";
import { tryLock, waitForLock, type Release } from "./locks.js";

/** Pages of one origin that may be open at once. */
const MAX_SLOTS = 1_000;

export interface PersistentOutbox extends Outbox {
  /** Gives the slot to another page. What is kept stays kept. */
  close(): Promise<void>;
}

type Restore = Parameters<Outbox["load"]>[0];

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
  const closing = new AbortController();
  /** What is taken over from pages that were still there when this one came. */
  const adoptions: Promise<void>[] = [];

  const lockOf = (number: number): string => `${databaseName(name)}:outbox:${number}`;

  const takeSlot = async (): Promise<void> => {
    for (let number = 0; number < MAX_SLOTS; number++) {
      release = await tryLock(lockOf(number));
      slot = number;
      if (release !== undefined) return;
    }
    throw new Error(`${MAX_SLOTS} pages use the outbox "${name}" already`);
  };

  const takeIn = (kept: StoredPublish, restore: Restore): void => {
    keys.set(restore(kept), kept.key);
  };

  /** Moves what a page that is gone has left behind ours, in one transaction: it is never in two slots, or in none. */
  const adopt = async (other: number, releaseOther: Release, restore: Restore): Promise<void> => {
    const ours: StoredPublish[] = [];
    try {
      const { store, done } = database.transaction("publishes", "readwrite");
      for (const left of await store.getAll(rangeOf(other))) {
        const one = { ...left, slot, key: ++lastKey };
        ours.push(one);
        await store.put(one);
        await store.delete([other, left.key]);
      }
      await done;
    } finally {
      releaseOther();
    }
    for (const one of ours) takeIn(one, restore);
  };

  /** A page that is going may hold its lock still when the next one comes, and one that stays may go later. */
  const adoptLater = (other: number, restore: Restore): void => {
    const adopting = waitForLock(lockOf(other), closing.signal).then((got) => adopt(other, got, restore));
    // Where that fails, the next page finds it.
    adoptions.push(adopting.catch(noop));
  };

  const load: Outbox["load"] = async (restore) => {
    await takeSlot();
    for (const kept of await database.getAll("publishes", rangeOf(slot))) {
      lastKey = kept.key;
      takeIn(kept, restore);
    }
    const slots = new Set((await database.getAllKeys("publishes")).map(([used]) => used));
    slots.delete(slot);
    for (const other of slots) {
      const releaseOther = await tryLock(lockOf(other));
      if (releaseOther === undefined) adoptLater(other, restore);
      else await adopt(other, releaseOther, restore);
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
      closing.abort();
      await Promise.allSettled([writing, ...adoptions]);
      release?.();
    },
  };
}

function rangeOf(slot: number): IDBKeyRange {
  return IDBKeyRange.bound([slot, 0], [slot, Infinity]);
}

/** The transaction as a whole fails with it. */
function noop(): void {}
