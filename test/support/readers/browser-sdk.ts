/** Reads a topic with the binary SDK, in a browser: the page's program. Address, topic and number of records stand behind the `#` of its address. */
import { connect } from "@ringcast/client";
import { RecordDigest } from "./record-digest.js";

const [url = "", topic = "", records = ""] = location.hash.slice(1).split(",");
const digest = new RecordDigest();
const hub = connect(url, { verify: true });
const subscription = hub.subscribe(topic, { from: "earliest", gaps: "reject" });
await subscription.ready;
document.title = "subscribed";
for await (const message of subscription) {
  await digest.add(message);
  if (digest.records === Number(records)) break;
}
document.title = JSON.stringify(await digest.report());
