/**
 * Does every peer that is installed do what it is said to, and are counts right? One writer, three readers, a thousand records and more, for each ability of each peer.
 *
 *   node --import tsx --conditions source bench/peers/check.ts [name …]
 */
import { LoadGenerator } from "../../server/src/cli/bench/generator.js";
import { CheckedLoad, RECORDS, TOPIC } from "./checked-load.js";
import { PEERS } from "./index.js";
import type { Ability, Peer, Posting } from "./peer.js";

const names = process.argv.slice(2);
for (const peer of PEERS) {
  if (names.length > 0 && !names.includes(peer.name)) continue;
  const version = peer.version();
  if (version === undefined) {
    console.log(`${peer.name}: skipped, not installed: ${peer.install}`);
    continue;
  }
  for (const ability of peer.abilities) {
    const problem = await check(peer, ability).catch((error: unknown) => String(error));
    console.log(`${peer.name} ${version}, ${ability}: ${problem ?? "right"}`);
    if (problem !== undefined) process.exitCode = 1;
  }
}

/** @returns what is wrong */
async function check(peer: Peer, ability: Ability): Promise<string | undefined> {
  const running = await peer.start();
  try {
    if (ability === "http") return await checkPosts(running.post!(TOPIC));
    await running.prepare?.([TOPIC]);
    await using generator = await LoadGenerator.start({ threads: 1 });
    const load = new CheckedLoad(generator, running);
    if (ability === "fanout") return await load.fanout(running.target(ability));
    if (ability === "replay") return await load.replay(running.target(ability));
    return await load.acknowledged(running.target(ability));
  } finally {
    await running.stop();
  }
}

async function checkPosts({ url, headers }: Posting): Promise<string | undefined> {
  for (let count = 0; count < RECORDS / 10; count++) {
    const answer = await fetch(url, { method: "POST", headers, body: "x".repeat(128) });
    if (answer.status !== 201) return `${answer.status} ${await answer.text()}`;
    await answer.json();
  }
  return undefined;
}
