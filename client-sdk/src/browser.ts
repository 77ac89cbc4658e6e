/**
 * `@ringcast/client` in browsers and workers, in the binary dialect, and the source of the single file that the hub
 * serves at /sdk/ringcast.js.
 */
import type { Hub } from "./client.js";
import { createFullHub } from "./full.js";
import { msgpackCodec } from "./msgpack-codec.js";
import type { ConnectOptions } from "./options.js";
import type { AnyTopics } from "./topics.js";
import { browserTransport } from "./transport/browser.js";

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
  return createFullHub<Topics>(url, options, browserTransport);
}
