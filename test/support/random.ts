/** Random numbers that come again with their seed. */

export interface Random {
  /** 0 ≤ n < below, an integer */
  below(bound: number): number;
  /** True once in so many times, on the average. */
  oneIn(times: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A generator of its own, whose numbers don't depend on how many are taken from this one later. */
  fork(): Random;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough to choose what a client does next. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (bound: number): number => Math.floor((next() / 2 ** 32) * bound);
  return {
    below,
    oneIn: (times) => below(times) === 0,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    fork: () => randomOf(next()),
  };
}
