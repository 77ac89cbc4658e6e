/** Between the producer and an outbox: which sequence a publish is kept under, before there is a connection that could say so. */
import type { Keeper, KeptPublish, Outbox } from "./outbox.js";
import type { Producer } from "./producer.js";

/**
 * Makes the keeper and begins to load.
 *
 * @param producer called once the hub object is made; not before
 */
export function createKeeper(outbox: Outbox, producer: () => Producer): Keeper {
  /** By producer, what is above every sequence that it ever gave: a number given twice would pass the same bytes off as the same publish. */
  const unused = new Map<string, number>();
  /** Under which sequence a publish was kept last. */
  const kept = new WeakMap<KeptPublish, { readonly sequence: number; readonly promise: Promise<unknown> }>();
  /** Producer of each topic's own line. */
  const owners = new Map<string, string>();
  /** Settles when all that was to be sent so far is kept. */
  let turn: Promise<unknown> = Promise.resolve();

  const remember = ({ producer: id, sequence = 0 }: KeptPublish): void => {
    unused.set(id, Math.max(unused.get(id) ?? 0, sequence + 1));
  };

  const restore = (publish: KeptPublish): KeptPublish => {
    const { topic } = publish.target;
    const owner = owners.get(topic) ?? publish.producer;
    owners.set(topic, owner);
    remember(publish);
    // Another page's goes beside it. No topic has a space.
    const restored = producer().restore(owner === publish.producer ? topic : `${topic} ${publish.producer}`, publish);
    kept.set(restored, { sequence: publish.sequence ?? 0, promise: Promise.resolve() });
    return restored;
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

  // A promise, so that the producer is there.
  const loaded = Promise.resolve()
    .then(() => outbox.load(restore))
    .then(() => producer().welcomed());
  // Every publish rejects with it.
  loaded.catch(() => undefined);

  return {
    loaded,
    number: (publish) => {
      publish.sequence = unused.get(publish.producer) ?? 0;
      void keep(publish);
    },
    // What is safe already waits for what is to be sent before it: the hub would refuse it, and the line lose its order.
    keep: (publish) => (turn = Promise.allSettled([turn, keep(publish)]).then(() => undefined)),
    drop: (publish) => outbox.drop(publish),
  };
}
