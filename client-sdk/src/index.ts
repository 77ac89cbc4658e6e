/**
 * `@ringcast/client` in Node: the same API as in browsers, in the binary dialect, over the platform's WebSocket, or
 * over the package `ws` on Node 20.
 */
import type { Hub } from "./client.js";
import { createFullHub } from "./full.js";
import { msgpackCodec } from "./msgpack-codec.js";
import type { ConnectOptions } from "./options.js";
import type { AnyTopics } from "./topics.js";
import { nodeTransport } from "./transport/node.js";

export * from "./api.js";
export { msgpackCodec };

/**
 * Connects to a hub. Returns at once; what is asked before the connection stands waits for it.
 *
 * @typeParam Topics names of topics and patterns → type of their data; without it, any name and unknown data
 * @param url of the hub, like `ws://127.0.0.1:7447`; several are tried in turn
 * @throws RingcastError `bad_request` where the URL is none
 */
export function connect<Topics extends object = AnyTopics>(
  url: string | readonly string[],
  options: ConnectOptions = {},
): Hub<Topics> {
  return createFullHub<Topics>(url, options, nodeTransport);
}
