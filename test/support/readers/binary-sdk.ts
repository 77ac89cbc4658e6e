/** Reads a topic with the binary SDK, in Node: `binary-sdk.ts <url> <topic> <records>`. Prints a line when subscribed, and its report. */
import { connect } from "@ringcast/client";
import { RecordDigest } from "./record-digest.js";

const [url = "", topic = "", records = ""] = process.argv.slice(2);
const digest = new RecordDigest();
const hub = connect(url, { verify: true });
const subscription = hub.subscribe(topic, { from: "earliest", gaps: "reject" });
await subscription.ready;
console.log("subscribed");
for await (const message of subscription) {
  await digest.add(message);
  if (digest.records === Number(records)) break;
}
await hub.close();
console.log(JSON.stringify(await digest.report()));
