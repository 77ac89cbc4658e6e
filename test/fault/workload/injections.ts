/** Faults, one function each. */
import type { Fault } from "../history/history.js";
import type { Injection, World } from "./run.js";

/** The process dies at once, and is started on the same data. */
export const kill: Injection = async ({ hub }) => {
  await hub.kill();
  await hub.restart();
  return harmless("SIGKILL");
};

/** An orderly stop and start. */
export const terminate: Injection = async ({ hub }) => {
  await hub.stop();
  await hub.restart();
  return harmless("SIGTERM");
};

/** The process stands still for a while. */
export const stall: Injection = async ({ hub, random }) => {
  process.kill(hub.pid, "SIGSTOP");
  await pause(100 + random.below(400));
  process.kill(hub.pid, "SIGCONT");
  return harmless("SIGSTOP");
};

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

/** Nothing that was acknowledged may be lost by it. */
function harmless(name: string): Pick<Fault, "name" | "costs"> {
  return { name, costs: "none" };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
