/** `@ringcast/client/react`: hooks over a hub. They work with every entry of the SDK, and under StrictMode. */
export { RingcastProvider, useHub, type ProvidedHub } from "./provider.js";
export type { ReadingStatus, TopicReading } from "./reading.js";
export { useConnectionState } from "./use-connection-state.js";
export { useLatest, useTopic, type LatestReading, type UseTopicOptions } from "./use-topic.js";
