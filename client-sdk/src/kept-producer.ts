/**
 * A producer whose publishes outlive the page: each is written down in an outbox before it is sent, and the next page
 * sends what is left. Around the producer of every page: in here stands which sequence a publish is kept under, before
 * there is a connection that could say so.
 */
import type { Operation } from "./codec.js";
import type { KeptPublish, Outbox } from "./outbox.js";
import { createProducer, type Entry, type Producer, type ProducerLink, type ProducerOptions } from "./producer.js";

/** Makes the producer and begins to load. */
export function createKeptProducer(link: ProducerLink, options: ProducerOptions, outbox: Outbox): Producer {
  /**
   * By producer, what is above every sequence that it ever gave: a number given twice would pass the same bytes off as
   * the same publish.
   */
  const unused = new Map<string, number>();
  /** Under which sequence a publish was kept last. */
  const kept = new WeakMap<KeptPublish, { readonly sequence: number; readonly promise: Promise<unknown> }>();
  /** Producer of each topic's own line. */
  const owners = new Map<string, string>();
  /** Settles when all that was to be sent so far is kept. */
  let turn: Promise<unknown> = Promise.resolve();
  /** Counts the connections: what was to be sent over an older one has been taken back. */
  let connection = 0;
  let failure: Error | undefined;

  const remember = ({ producer, sequence = 0 }: KeptPublish): void => {
    unused.set(producer, Math.max(unused.get(producer) ?? 0, sequence + 1));
  };

  const keep = (publish: KeptPublish): Promise<unknown> => {
    const { sequence = 0 } = publish;
    const last = kept.get(publish);
    if (last?.sequence === sequence) return last.promise;
    const promise = outbox.keep(publish);
    kept.set(publish, { sequence, promise });
    remember(publish);
    // Who sends it waits for it; before that nobody does.
    promise.catch(() => undefined);
    return promise;
  };

  /**
   * Sends a publish when it is safe under its sequence, and so are those before it: else the hub would refuse it, and
   * the line lose its order.
   */
  const call: ProducerLink["call"] = (operation: Operation, onReply, publish) => {
    const mine = connection;
    turn = Promise.allSettled([turn, keep(publish as Entry)]).then(() => {
      if (mine === connection) link.call(operation, onReply, publish);
    });
  };

  const inner = createProducer({ runtime: link.runtime, limits: link.limits, call }, options);

  /** Has it dropped when it has its outcome. */
  const watch = (entry: Entry): Entry => Object.assign(entry, { onGone: () => outbox.drop(entry) });

  const restore = (publish: KeptPublish): KeptPublish => {
    const { target, body, producer, sequence = 0 } = publish;
    const { topic } = target;
    const owner = owners.get(topic) ?? producer;
    owners.set(topic, owner);
    remember(publish);
    // Another page's goes beside it. No topic has a space.
    const entry = watch(inner.add(target, body, owner === producer ? topic : `${topic} ${producer}`, producer));
    kept.set(entry, { sequence, promise: Promise.resolve() });
    // Who published it is gone, and can't be told.
    entry.promise.catch(() => undefined);
    entry.sequence = sequence;
    inner.send();
    return entry;
  };

  const loaded = (async () => {
    await outbox.load(restore);
  })();
  // Every publish rejects with it.
  loaded.catch(() => undefined);

  return {
    publish: async (target, body) => {
      await loaded;
      if (failure !== undefined) throw failure;
      const entry = watch(inner.add(target, body));
      // What another page leaves later goes beside it.
      if (!owners.has(target.topic)) owners.set(target.topic, entry.producer);
      entry.sequence = unused.get(entry.producer) ?? 0;
      void keep(entry);
      inner.send();
      return entry.promise;
    },
    drained: inner.drained,
    // What is kept goes on in the next page.
    settled: () => Promise.resolve(),
    resume: () => {
      connection++;
      inner.resume();
    },
    end: (error) => {
      failure = error;
      inner.end(error);
    },
  };
}
