/** Faults of the network between the hub and everybody else, one function each. */
import type { TcpProxy } from "../../../support/tcp-proxy.js";
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

/** Everything comes in packets of some bytes for a while. */
export const crumble: Injection = ({ network, random }) =>
  crumbs(network, 1 + random.below(16), 200 + random.below(200));
/** Each byte is a packet of its own for a while. */
export const oneByteAPacket: Injection = ({ network, random }) => crumbs(network, 1, 200 + random.below(200));

/** Each direction of each connection passes 1 KiB a second for a while. */
export const throttle: Injection = async ({ network, random }) => {
  network.throttle(1_024);
  await pause(500 + random.below(500));
  network.throttle(Infinity);
  return harmless("1 KiB/s");
};

/** Each is cut in the midst of calls of which nobody learns the outcome; a quick machine would make hundreds of them. */
const MOST_CUT_IN_FRAMES = 40;

/** For a while every connection, new ones too, is reset in the midst of a frame. */
export const cutInFrame: Injection = async ({ network, random }) => {
  network.cutAfter(1 + random.below(random.oneIn(2) ? 400 : 8_000));
  const before = network.connections;
  const until = performance.now() + 200 + random.below(300);
  while (performance.now() < until && network.connections < before + MOST_CUT_IN_FRAMES) await pause(5);
  network.reset();
  return harmless("cut in mid-frame");
};

/** Every connection is reset on both sides. */
export const reset: Injection = ({ network }) => {
  network.reset();
  return Promise.resolve(harmless("reset on both sides"));
};

/** Clients vanish without a word: the hub goes on sending to those who are gone while they have come back on other connections. */
export const loseClients: Injection = async ({ network, random }) => {
  network.loseClients();
  await pause(200 + random.below(300));
  network.reset();
  return harmless("clients vanished");
};

/** The hub's side of every connection ends, and no client is told for a while. */
export const loseHub: Injection = async ({ network, random }) => {
  network.loseHub();
  await pause(100 + random.below(300));
  network.cut();
  return harmless("hub vanished");
};

async function crumbs(network: TcpProxy, packetBytes: number, forMs: number): Promise<ReturnType<typeof harmless>> {
  network.crumble(packetBytes);
  await pause(forMs);
  network.crumble(Infinity);
  return harmless("crumbs");
}

function unheard(name: string, begin: (world: World) => void): Injection {
  return async (world) => {
    begin(world);
    await pause(100 + world.random.below(300));
    world.network.cut();
    return harmless(name);
  };
}
