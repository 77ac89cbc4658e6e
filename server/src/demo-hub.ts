/** What the demo needs of the hub it runs in: it publishes like everybody else and looks at the newest record. */
import {
  CONTENT_TYPE,
  decodeUtf8,
  encodeHeaders,
  encodeUtf8,
  RingcastError,
  type WireMessage,
} from "@ringcast/protocol";
import type { DemoHub } from "./dashboard/index.js";
import type { Hub } from "./hub/index.js";

export function createDemoHub(hub: Hub): DemoHub {
  const publisher = hub.openPublisher();
  return {
    publish: async (topic, { data, key, headers }) =>
      publisher.publish(
        {
          topic,
          messages: [
            {
              contentType: CONTENT_TYPE.json,
              data: encodeUtf8(JSON.stringify(data)),
              key: encodeUtf8(key),
              headers: encodeHeaders(headers),
            },
          ],
          partition: undefined,
          producer: undefined,
          durability: undefined,
        },
        undefined,
      ),
    newest: (topic) => Promise.resolve(newestOf(hub, topic)),
  };
}

function newestOf(hub: Hub, topic: string): { headers: WireMessage["headers"] | undefined } | undefined {
  try {
    const page = hub.history(
      { topic, partition: 0, from: { last: 1 }, until: undefined, filter: undefined, limit: 1 },
      "json",
    );
    const messages = JSON.parse(decodeUtf8(page.messages)) as WireMessage[];
    const newest = messages.at(-1);
    return newest === undefined ? undefined : { headers: newest.headers };
  } catch (error) {
    if (error instanceof RingcastError && error.code === "unknown_topic") return undefined;
    throw error;
  }
}
