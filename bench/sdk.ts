/**
 * What does the SDK cost its user? Processor and wall time for each record that a `for await` loop reads, for each acknowledged publish (one by one with
 * `drained()`, and 100 at a time) and for each acknowledgement of a window, of both entries, in Node and in Chromium; beside the same work written by hand
 * over a WebSocket with `JSON.parse` or msgpackr, in turns within one run.
 *
 *   npm run build && node --import tsx bench/sdk.ts [--records 1000000] [--publishes 200000] [--rounds 3] [--only <text>] [--sdk <name>=<folder>]… [--json]
 *
 * `--only` chooses rows by a piece of their names; each `--sdk` is another built `client-sdk` to be measured beside this tree's, e.g. of an older commit.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connect } from "@ringcast/client";
import { chromiumPath } from "../test/support/launch-chromium.js";
import { machineText, thisCommit, thisMachine } from "./report/machine.js";
import { openPages, runInNode, type RunTask } from "./sdk/clients.js";
import { costOf, sdkTable, type Cost, type RowCosts } from "./sdk/costs.js";
import { dataOf, KINDS, type Dialect, type Task } from "./sdk/task.js";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "1000000" },
    publishes: { type: "string", default: "200000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    sdk: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
  },
});
const RECORDS = Number(values.records);
const PUBLISHES = Number(values.publishes);
const ROUNDS = Number(values.rounds);
const BATCH = 100;
/** An acknowledgement for each four records. */
const SMALL_WINDOW = 16;
const OWN_SDK = join(dirname(fileURLToPath(import.meta.url)), "../client-sdk");
const BY_HAND = "by hand";

/** One question. Its answer is for each record, or for each `per`. */
interface Row {
  readonly name: string;
  readonly run: RunTask;
  readonly task: Task;
  readonly isOnlySdk?: boolean;
}

const contenders = new Map<string, string | undefined>([
  [BY_HAND, undefined],
  ["SDK", OWN_SDK],
  ...values.sdk.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)] as const),
]);
const folders = [...contenders.values()].filter((folder) => folder !== undefined);
const machine = thisMachine();

await using pages = chromiumPath() === undefined ? undefined : await openPages(folders);
if (pages === undefined) console.error("left out: Chromium, which needs chromium");
const hub = await HubProcess.start(pages === undefined ? [] : ["--allowed-origins", pages.origin]);
try {
  const rows = rowsOf().filter(({ name }) => name.includes(values.only));
  await prepare(new Set(rows.map(({ task }) => task.topic)));
  const costs = await measure(rows);
  const head = { machine, commit: thisCommit(), records: RECORDS, publishes: PUBLISHES, rounds: ROUNDS };
  if (values.json) console.log(JSON.stringify({ ...head, rows: costs }));
  else console.log(`${machineText(machine)}, commit ${head.commit}, ${ROUNDS} rounds\n\n${sdkTable(costs, BY_HAND)}`);
} finally {
  await hub.stop();
}

function rowsOf(): Row[] {
  const platforms: [string, RunTask][] = [["Node", runInNode]];
  if (pages !== undefined) platforms.push(["Chromium", pages.runInPage]);
  return platforms.flatMap(([platform, run]) =>
    (["binary", "json"] as const).flatMap((dialect) =>
      tasksOf(dialect).map(([what, task, isOnlySdk]) => ({
        name: `${platform}, ${dialect}: ${what}`,
        run,
        task,
        isOnlySdk,
      })),
    ),
  );
}

function tasksOf(dialect: Dialect): [string, Task, boolean][] {
  const url = `ws://127.0.0.1:${hub.port}`;
  const read = { what: "read", url, dialect, records: RECORDS } as const;
  const publish = { what: "publish", url, dialect, topic: "bench.sdk.published" } as const;
  return [
    ...KINDS.map((kind): [string, Task, boolean] => [`read ${kind}`, { ...read, topic: `bench.sdk.${kind}` }, false]),
    [
      "read object, acknowledging every fourth",
      { ...read, topic: "bench.sdk.object", window: SMALL_WINDOW, records: RECORDS / 10 },
      true,
    ],
    ["publish", { ...publish, records: PUBLISHES }, false],
    [`publishMany of ${BATCH}`, { ...publish, records: PUBLISHES * 5, batch: BATCH }, false],
  ];
}

/** Fills the topics that are read, and makes room in the one that is published to. */
async function prepare(topics: ReadonlySet<string>): Promise<void> {
  for (const topic of topics) {
    const response = await fetch(`${hub.url}/v1/topics/${topic}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ capacityBytes: Math.max(16_777_216, RECORDS * 256) }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }
  await using publisher = connect(`ws://127.0.0.1:${hub.port}`);
  for (const kind of KINDS) {
    if (!topics.has(`bench.sdk.${kind}`)) continue;
    progress(`publishing ${RECORDS} records: ${kind}`);
    for (let n = 0; n < RECORDS; n += 1_000) {
      const messages = Array.from({ length: Math.min(1_000, RECORDS - n) }, (_, i) => ({ data: dataOf(kind, n + i) }));
      await publisher.publishMany(`bench.sdk.${kind}`, messages);
    }
  }
}

/** Each contender in turn, row by row, round by round. */
async function measure(rows: readonly Row[]): Promise<RowCosts[]> {
  const costs = rows.map(({ name }) => ({ name, contenders: new Map<string, Cost[]>() }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { name, run, task, isOnlySdk }] of rows.entries()) {
      for (const [contender, folder] of contenders) {
        if (isOnlySdk === true && folder === undefined) continue;
        progress(`round ${round + 1} of ${ROUNDS}: ${name}, ${contender}`);
        const cost = costOf(await run(task, folder), task.records);
        const measured = costs[at]!.contenders;
        measured.set(contender, [...(measured.get(contender) ?? []), cost]);
      }
    }
  }
  progress("");
  return costs.map(({ name, contenders: measured }) => ({ name, contenders: Object.fromEntries(measured) }));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
