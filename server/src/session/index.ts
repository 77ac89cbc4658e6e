export type * from "./port.js";
export type * from "./socket.js";
export { Meter } from "./meter.js";
export { createSessionFactory } from "./session-host.js";
