export { createLogger } from "./logger.js";
export type { AdjustableLogger, LogFormat, Logger, LoggerOptions, LogLevel } from "./logger.js";
export { createMetrics } from "./metrics.js";
export type { Metrics, MetricSources } from "./metrics.js";
