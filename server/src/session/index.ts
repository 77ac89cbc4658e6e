export type * from "./port.js";
export type * from "./socket.js";
