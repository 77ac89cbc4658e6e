/**
 * How much of everything `npm run test:faults` does. `RINGCAST_LONG=1` asks for the long run, before a release; `RINGCAST_CYCLES` for so many cycles of
 * every fault; `RINGCAST_SEED` for the choices of an earlier run.
 */

const isLong = process.env["RINGCAST_LONG"] === "1";
const given = process.env["RINGCAST_CYCLES"];

export const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);

/** @param bounded in continuous integration; @param long before a release */
export function cycles(bounded: number, long: number): number {
  return given === undefined ? amount(bounded, long) : Number(given);
}

/** Like {@link cycles}, for what isn't counted in cycles: inputs, records, connections. */
export function amount(bounded: number, long: number): number {
  return isLong ? long : bounded;
}

/**
 * The first seed of a simulation, where a seed makes the same choices in every run: the same ones each time, so that a change that breaks a promise is found by the
 * change, and a new seed's finding by whoever asks for new seeds.
 */
export const FIRST_SEED = Number(process.env["RINGCAST_SEED"] ?? 1);
