/** What all entries export beside `connect` and their codec. */
export {
  RingcastError,
  type ErrorCode,
  type ErrorDetails,
  type Gap,
  type GapReason,
  type RecordFilter,
  type Start,
  type Until,
} from "@ringcast/protocol";
export type { TopicDescription } from "@ringcast/protocol";
export type { Hub } from "./client.js";
export type { Codec, Operation } from "./codec.js";
export type { DebugEvent } from "./debug-event.js";
export { GapError } from "./errors.js";
export type { HistoryPage, Message, MessagePosition } from "./message.js";
export type * from "./options.js";
export type { KeptPublish, Outbox } from "./outbox.js";
export type { PublishTarget } from "./producer.js";
export type { Runtime, Timer } from "./runtime/port.js";
export type { Subscription } from "./subscription.js";
export type { AnyTopics, DataOf, TopicName, TopicOrPattern } from "./topics.js";
export type { FrameData, Transport, TransportHandler, TransportSocket } from "./transport/port.js";
