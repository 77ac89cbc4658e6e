export type * from "./port.js";
export { createNodeRuntime } from "./node.js";
