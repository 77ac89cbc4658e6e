export { createLogger } from "./logger.js";
export type { AdjustableLogger, LogFormat, Logger, LoggerOptions, LogLevel } from "./logger.js";
export { createMetrics } from "./metrics.js";
export type { MetricSources } from "./metric-sources.js";
export type { Metrics } from "./metrics.js";
