/** What a `.cpuprofile` of Node says: where the time went. */
import { basename, dirname } from "node:path";

export interface Profile {
  /** Every function that was seen running, with its share of the time in which the process did anything. */
  readonly functions: readonly ProfiledFunction[];
  /** The ten that ran longest. */
  readonly busiest: readonly ProfiledFunction[];
}

export interface ProfiledFunction {
  /** e.g. `readBlock (log/read.js)` */
  readonly name: string;
  /** 0 to 1 */
  readonly share: number;
}

interface RawProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
}

const IDLE = new Set(["(idle)", "(root)"]);
const SHOWN = 10;

export function readProfile(text: string): Profile {
  const { nodes, samples } = JSON.parse(text) as RawProfile;
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const counts = new Map<string, number>();
  let busy = 0;
  for (const sample of samples) {
    const name = names.get(sample) ?? "";
    if (IDLE.has(name)) continue;
    busy += 1;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const functions = [...counts]
    .map(([name, count]) => ({ name, share: count / busy }))
    .toSorted((a, b) => b.share - a.share);
  return { functions, busiest: functions.slice(0, SHOWN) };
}

/**
 * Where the hub looks at what a stored message holds: the JSON dialect, msgpack as JSON, event streams, base64 and header blocks, and the check of the payload.
 * Not among them: the hub's own check of a record's head, without which it could not tell where the next record begins.
 */
const DECODING =
  /\(json\/[\w-]+\.js\)|\(msgpack\/to-json\.js\)|\(hub\/event-stream\.js\)|\(dist\/(base64|headers)\.js\)|^(isPayloadIntact|isIntact) /;

/** Functions of a profile that decode, translate or verify stored messages. */
export function decodingFunctions({ functions }: Profile): readonly ProfiledFunction[] {
  return functions.filter(({ name }) => DECODING.test(name));
}

function nameOf({ functionName, url }: { functionName: string; url: string }): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} (${basename(dirname(url))}/${basename(url)})`;
}
