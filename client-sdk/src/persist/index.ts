/**
 * `@ringcast/client/persist`: what must outlive a page, in IndexedDB. Publishes that the hub has not acknowledged are
 * sent again by the next page, each stored once; readers go on where they stopped.
 */
import type { Start } from "@ringcast/protocol";
import type { Hub } from "../client.js";
import type { SubscribeOptions } from "../options.js";
import type { Outbox } from "../outbox.js";
import type { Subscription } from "../subscription.js";
import type { DataOf, Known, TopicOrPattern } from "../topics.js";
import { databaseName, openDatabase } from "./database.js";
import { waitForLock } from "./locks.js";
import { createOutbox } from "./outbox.js";
import { createReader, type PersistentSubscription } from "./reader.js";

export type { PersistentSubscription } from "./reader.js";

export interface PersistentSubscribeOptions<Data> extends Omit<
  SubscribeOptions<Data>,
  "onMessage" | "onError" | "until"
> {
  /**
   * Name of this reader; its position is kept under it. One page of the origin reads under a name at a time, others
   * wait for their turn. Default: the topic.
   */
  readonly reader?: string;
  /** Messages between two writes of the position: at most so many come again after a crash. Default 1. */
  readonly saveEvery?: number;
}

/** What a page keeps. */
export interface Store extends AsyncDisposable {
  /** For `connect(url, { outbox })`: publishes wait in it until the hub has acknowledged them. For one hub object. */
  readonly outbox: Outbox;
  /**
   * Subscribes where the reader of this name stopped the last time; at `from` the first time. Resolves when no other
   * page reads under the name.
   *
   * @throws what `Hub.subscribe` throws; AbortError where `signal` ends the wait
   */
  subscribe<Topics, Name extends TopicOrPattern<Topics>>(
    hub: Hub<Topics>,
    topic: Name & Known<Topics, Name>,
    options?: PersistentSubscribeOptions<DataOf<Topics, Name>>,
  ): Promise<PersistentSubscription<DataOf<Topics, Name>>>;
  /** Where a reader stopped; undefined where it never read. */
  position(reader: string): Promise<Start | undefined>;
  /** Forgets a reader's position: it begins anew. */
  forget(reader: string): Promise<void>;
  /** Lets other pages go on in its place. What is kept stays kept. */
  close(): Promise<void>;
}

/**
 * Opens the store of this name, or makes it. Pages of one origin share it.
 *
 * @param name one for each hub and dialect, where there are several
 * @throws RingcastError (as a rejection) `unavailable` where there is no IndexedDB, as in a page over plain http
 */
export async function openStore(name = "default"): Promise<Store> {
  const database = await openDatabase(name);
  const outbox = createOutbox(database, name);

  const subscribe = async (
    hub: { readonly subscribe: unknown },
    topic: string,
    { reader = topic, saveEvery = 1, ...options }: PersistentSubscribeOptions<unknown> = {},
  ): Promise<PersistentSubscription> => {
    const release = await waitForLock(`${databaseName(name)}:reader:${reader}`, options.signal);
    try {
      const from = (await database.get("positions", reader)) ?? options.from ?? "latest";
      const begin = hub.subscribe as (topic: string, options: SubscribeOptions<unknown>) => Subscription;
      const inner = begin(topic, { ...options, from });
      return createReader(inner, { database, name: reader, saveEvery, onEnd: release });
    } catch (error) {
      release();
      throw error;
    }
  };

  const close = async (): Promise<void> => {
    await outbox.close();
    database.close();
  };

  return {
    outbox,
    subscribe: subscribe as Store["subscribe"],
    position: (reader) => database.get("positions", reader),
    forget: (reader) => database.delete("positions", reader),
    close,
    [Symbol.asyncDispose]: close,
  };
}
