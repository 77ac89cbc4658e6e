// Publishes one typed message and says where it is stored.
import { connect } from "@ringcast/client";

interface Topics {
  greetings: { hello: string };
}

await using hub = connect<Topics>("ws://127.0.0.1:7447");
const stored = await hub.publish("greetings", { hello: "world" }, { key: "ana" });
console.log(`stored at ${stored.partition}/${stored.offset}`);
