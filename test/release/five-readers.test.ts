/** One publisher and readers of five kinds: what one reads, all read, and it is what was published. */
import { expect, test } from "vitest";
import { askJson } from "../support/http-request.js";
import { startHub } from "../support/hub.js";
import { serveReaderPage, startReaders } from "../support/readers.js";
import { publishMessages } from "../support/readers/messages.js";

const RECORDS = 5_000;
const TOPIC = "five.readers";
const KINDS = 5;

test("five kinds of readers get the same records at the same positions, which are the publisher's", async () => {
  await using page = await serveReaderPage();
  await using hub = await startHub({ args: ["--allowed-origins", page.origin] });
  await askJson(hub, "PUT", `/v1/topics/${TOPIC}`, { capacityBytes: RECORDS * 512 });
  await using readers = await startReaders({
    url: hub.url,
    topic: TOPIC,
    records: RECORDS,
    page,
    nodeArgs: ["--conditions", "source"],
  });
  // The set-up has said aloud what is missing.
  expect(readers.running.length + readers.leftOut.length).toBe(KINDS);
  const reports = readers.running.map(async ({ name, report }) => [name, await report] as const);
  const published = await publishMessages({ url: `ws://127.0.0.1:${hub.port}`, topic: TOPIC, records: RECORDS });
  expect(published).toMatchObject({ records: RECORDS, next: RECORDS });
  for (const [name, report] of await Promise.all(reports)) expect(report, name).toEqual(published);
});
