/** Faults of the network between the hub and everybody else, one function each. */
import type { Injection, World } from "../run.js";
import { harmless, pause } from "./harmless.js";

/** Every connection is reset, in the midst of whatever is under way. */
export const cut: Injection = ({ network }) => {
  network.cut();
  return Promise.resolve(harmless("connections reset"));
};

/** What the hub sends gets lost for a while; then the connections break. */
export const muteHub = unheard("hub unheard", ({ network }) => network.muteHub());
/** What clients send gets lost for a while; then the connections break. */
export const muteClients = unheard("clients unheard", ({ network }) => network.muteClients());

/** Everything comes late for a while. */
export const delay: Injection = async ({ network, random }) => {
  network.delay(20 + random.below(100));
  await pause(300 + random.below(300));
  network.delay(0);
  return harmless("delay");
};

/** Everything comes in pieces of some bytes for a while. */
export const crumble: Injection = async ({ network, random }) => {
  network.crumble(1 + random.below(16));
  await pause(200 + random.below(200));
  network.crumble(Infinity);
  return harmless("crumbs");
};

function unheard(name: string, begin: (world: World) => void): Injection {
  return async (world) => {
    begin(world);
    await pause(100 + world.random.below(300));
    world.network.cut();
    return harmless(name);
  };
}
