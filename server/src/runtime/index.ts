export type * from "./port.js";
export { AgeClock } from "./age-clock.js";
export { createNodeRuntime } from "./node.js";
export { TimerWheel, WHEEL_STEP_MS, type Timed } from "./timer-wheel.js";
