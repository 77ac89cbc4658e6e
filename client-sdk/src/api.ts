/** What both entries export beside `connect`. */
export {
  RingcastError,
  type ErrorCode,
  type ErrorDetails,
  type Gap,
  type GapReason,
  type Start,
} from "@ringcast/protocol";
export type { TopicDescription } from "@ringcast/protocol";
export type { Hub } from "./client.js";
export { jsonCodec, type Codec, type Operation } from "./codec.js";
export { GapError } from "./errors.js";
export type { HistoryPage, Message, MessagePosition } from "./message.js";
export type * from "./options.js";
export type { Runtime, Timer } from "./runtime/port.js";
export type { Subscription } from "./subscription.js";
export type { AnyTopics, DataOf, TopicName, TopicOrPattern } from "./topics.js";
export type { FrameData, Transport, TransportHandler, TransportSocket } from "./transport/port.js";
