/** What the binary entries have over the JSON one: verification, debugging and the outbox. */
import { createHub, type Hub } from "./client.js";
import { createKeptProducer } from "./kept-producer.js";
import { msgpackCodec } from "./msgpack-codec.js";
import type { ConnectOptions } from "./options.js";
import { createProducer } from "./producer.js";
import { traced } from "./tracing.js";
import type { Transport } from "./transport/port.js";
import { createVerifyingCodec } from "./verifying-codec.js";

/** Makes the hub object with all that the options ask for. */
export function createFullHub<Topics>(
  url: string | readonly string[],
  options: ConnectOptions,
  platformTransport: Transport,
): Hub<Topics> {
  const { verify = false, debug, outbox } = options;
  const { codec = verify ? createVerifyingCodec() : msgpackCodec, transport = platformTransport } = options;
  const tools = debug === undefined ? { codec, transport } : traced(codec, transport, debug);
  return createHub<Topics>(url, { ...options, ...tools }, tools.transport, tools.codec, (link, settings) =>
    outbox === undefined ? createProducer(link, settings) : createKeptProducer(link, settings, outbox),
  );
}
