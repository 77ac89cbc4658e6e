/** Data directories that older hubs wrote, and what those hubs told of them (test/fixtures/data-…). */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { OffsetRange, TopicDescription, WireMessage } from "@ringcast/protocol";

const FIXTURE = join(import.meta.dirname, "../fixtures/data-0.1");

/** A topic as the hub described it, with all messages of each partition. */
export interface OldTopic extends TopicDescription {
  readonly messages: readonly (readonly WireMessage[])[];
}

export interface OldData {
  /** Of the machine that made them. */
  readonly bootId: string;
  readonly topics: Readonly<Record<string, OldTopic>>;
  /** The hub's answer to a publish that came again. */
  readonly producer: { readonly timestamp: number; readonly offsets: readonly OffsetRange[] };
}

/** Puts a directory of hub 0.1.0 at a path that doesn't exist yet. */
export function unpackOldData(path: string, ending: "closed" | "killed"): OldData {
  mkdirSync(path);
  execFileSync("tar", ["-xzf", join(FIXTURE, `${ending}.tar.gz`), "-C", path]);
  const expected = JSON.parse(gunzipSync(readFileSync(join(FIXTURE, "expected.json.gz"))).toString()) as {
    readonly bootId: string;
  } & Readonly<Record<"closed" | "killed", Omit<OldData, "bootId">>>;
  return { bootId: expected.bootId, ...expected[ending] };
}
