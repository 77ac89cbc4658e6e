/**
 * A subscription that goes on where it stopped, also after a reload: its position is written down behind each message.
 */
import type { Subscription } from "../subscription.js";
import type { Message } from "../message.js";
import type { Database } from "./database.js";

export interface PersistentSubscription<Data = unknown> extends Subscription<Data> {
  /** Writes down where the loop is, the message that it works on included; for loops that are left with `break`. */
  save(): Promise<void>;
}

export interface ReaderSettings {
  readonly database: Database;
  /** Name of the reader. */
  readonly name: string;
  /** Messages between two writes. */
  readonly saveEvery: number;
  /** Called once, when nothing is read any more. */
  readonly onEnd: () => void;
}

/** Wraps a subscription that begins at the reader's position. */
export function createReader(inner: Subscription, settings: ReaderSettings): PersistentSubscription {
  const { database, name, saveEvery, onEnd } = settings;

  const save = async (): Promise<void> => {
    await database.put("positions", inner.position, name);
  };

  const close = async (): Promise<void> => {
    await inner.close();
    onEnd();
  };

  async function* read(): AsyncGenerator<Message, undefined> {
    let unsaved = 0;
    try {
      for await (const message of inner) {
        yield message;
        // The loop asks for the next one: it is done with this one. Nothing is handed out before that is safe.
        if (++unsaved < saveEvery) continue;
        unsaved = 0;
        await save();
      }
      await save();
    } finally {
      onEnd();
    }
    return undefined;
  }

  return {
    topic: inner.topic,
    ready: inner.ready,
    get position() {
      return inner.position;
    },
    save,
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => {
      const messages = read();
      return {
        next: () => messages.next(),
        // A generator alone would not end before the next message.
        return: async () => {
          await close();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
