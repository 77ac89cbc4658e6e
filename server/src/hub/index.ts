export type * from "./port.js";
export { createHub } from "./hub.js";
export { publishedFields } from "./published-fields.js";
