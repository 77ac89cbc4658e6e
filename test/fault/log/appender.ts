/**
 * A process that is going to be killed: appends to a store in the directory given, and tells each step on standard output only when it is done.
 * A fourth argument `file` keeps its logs without mapping them. Lines: `append <partition> <head>`, `mark <sequence> <partition> <first> <count>`, `create <topic>`, `delete <topic> <epoch>`.
 */
import { writeSync } from "node:fs";
import { openLogStore } from "../../../server/src/log/index.js";
import { createNodeRuntime } from "../../../server/src/runtime/index.js";
import { CONTENT_TYPE, DEFAULT_TOPIC_CONFIG, encodeUtf8 } from "@ringcast/protocol";
import { LocalSequencer } from "../../../server/src/sequencer/index.js";
import { dataOf } from "./appended.js";

const [directory, firstMark, firstTopic, region] = process.argv.slice(2) as [string, string, string, string?];
const runtime = createNodeRuntime();
const store = await openLogStore({ directory, runtime, onEvent: () => undefined, mmap: region !== "file" });
const config = { ...DEFAULT_TOPIC_CONFIG, partitions: 2, capacityBytes: 131_072 };
const topic = store.topic("t") ?? store.createTopic("t", config);
const sequencer = new LocalSequencer();
let sequence = Number(firstMark);
let topics = Number(firstTopic);

function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(" ")}\n`);
}

function step(): void {
  const log = topic.partitions[Math.random() < 0.5 ? 0 : 1];
  if (log === undefined) throw new Error("partition missing");
  const count = 1 + Math.floor(Math.random() * 20);
  const first = log.head;
  const messages = Array.from({ length: count }, (_, i) => ({
    contentType: CONTENT_TYPE.bytes,
    data: encodeUtf8(dataOf(log.partition, first + i, first, count)),
    key: undefined,
    headers: new Uint8Array(0),
  }));
  const assignment = sequencer.assign(log, runtime.nowMs());
  if (Math.random() < 0.5) {
    log.append(messages, assignment);
  } else {
    const mark = { id: "p", sequence, digest: sequence };
    const verdict = topic.judge(mark, [log.partition]);
    if (verdict.kind === "new") {
      log.append(messages, assignment, mark);
      say("mark", sequence, log.partition, first, count);
    } else if (verdict.kind !== "duplicate") {
      throw new Error(`unexpected verdict ${JSON.stringify(verdict)} for ${sequence}`);
    }
    sequence++;
  }
  say("append", log.partition, log.head);
  if (Math.random() < 0.02) void log.synced();
  if (Math.random() < 0.01) {
    while (store.topic(`n${topics}`) !== undefined) topics++;
    const name = `n${topics++}`;
    store.createTopic(name, config);
    say("create", name);
    if (Math.random() < 0.5) say("delete", name, store.deleteTopic(name)[0] ?? "");
  }
}

function run(): void {
  for (let i = 0; i < 20; i++) step();
  setImmediate(run);
}
run();
