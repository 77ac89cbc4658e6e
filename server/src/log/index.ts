/** The door of the ring log. */
export type * from "./port.js";
export { openLogStore } from "./open-store.js";
export { type LogStoreOptions, MAX_CAPACITY_BYTES } from "./store.js";
export { emptyResult } from "./read.js";
export { checkDirectory } from "./check/directory-check.js";
export type { CheckOptions, CheckProblem, CheckProgress, CheckReport } from "./check/report.js";
