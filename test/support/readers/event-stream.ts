/** Reads a topic's Server-Sent Events as curl prints them: `event-stream.ts <url> <topic> <records>`. Prints a line when subscribed, and its report. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CURL, programOf } from "../system-packages.js";
import { RecordDigest, type DigestedRecord } from "./record-digest.js";

const [url = "", topic = "", records = ""] = process.argv.slice(2);
const digest = new RecordDigest();
const curl = spawn(programOf(CURL) ?? "curl", ["-sSN", `${url}/v1/topics/${topic}/events?from=earliest`], {
  stdio: ["ignore", "pipe", "inherit"],
});
let isSubscribed = false;

for await (const line of createInterface(curl.stdout)) {
  // The stream opens with a comment.
  if (!isSubscribed) console.log("subscribed");
  isSubscribed = true;
  if (line.startsWith("event:")) throw new Error(`Unexpected ${line}`);
  if (!line.startsWith("data:")) continue;
  await digest.add(JSON.parse(line.slice("data:".length)) as DigestedRecord);
  if (digest.records === Number(records)) break;
}
curl.kill();
console.log(JSON.stringify(await digest.report()));
