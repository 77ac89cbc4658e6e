import { afterEach, describe, expect, it } from "vitest";
import { runRingcast, startHub } from "../support/hub.js";
import { noBinaries, nodeBinary, OTHER_MAJORS } from "../support/node-versions.js";
import { until } from "../support/until.js";

/** What `auto` picks: uWebSockets.js has binaries for Node 20 and 22. */
const TRANSPORTS: Readonly<Record<number, string>> = { 22: "uws", 24: "ws", 26: "ws" };
const why = noBinaries === undefined ? "" : ` (skipped: ${noBinaries})`;
const before = { ...process.env };

afterEach(() => {
  for (const name of ["RINGCAST_TEST_NODE", "RINGCAST_TEST_TRANSPORT"]) {
    if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before[name];
  }
});

describe.skipIf(noBinaries !== undefined)(`the hub on other versions of Node${why}`, () => {
  it.each(OTHER_MAJORS)(
    "stores and delivers on Node %i with the transport of that version",
    async (major) => {
      process.env["RINGCAST_TEST_NODE"] = nodeBinary(major);
      Reflect.deleteProperty(process.env, "RINGCAST_TEST_TRANSPORT");
      await using hub = await startHub();
      const body = JSON.stringify({ data: { major } });
      const headers = { "Content-Type": "application/json" };
      const published = await fetch(`${hub.url}/v1/topics/versions/messages`, { method: "POST", headers, body });
      expect(published.status).toBe(201);
      expect(await firstEvent(`${hub.url}/v1/topics/versions/events?from=earliest`)).toContain(
        `"data":{"major":${major}}`,
      );
      expect(hub.output().stderr).toContain(`"transport":"${TRANSPORTS[major]}"`);
      expect(await hub.stop()).toBe(0);
    },
    120_000,
  );

  it("says what to do where uws is asked for and has no binary", async () => {
    process.env["RINGCAST_TEST_NODE"] = nodeBinary(26);
    const result = await runRingcast(["serve", "--port", "0", "--transport", "uws"]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/transport 'uws' can't be loaded by Node 26.*set transport to 'auto' or 'ws'/);
  }, 120_000);
});

/** The text of a stream of events until the first `data:` line is whole. */
async function firstEvent(url: string): Promise<string> {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  await until("an event has come", async () => {
    text += Buffer.from((await reader.read()).value ?? "").toString();
    return /^data:.*\n/m.test(text);
  });
  stop.abort();
  return text;
}
