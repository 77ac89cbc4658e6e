export type * from "./exchange.js";
export type {
  AccessOptions,
  HttpOptions,
  HttpRoutes,
  HttpSettings,
  HttpStats,
  JsonRoute,
  NotReady,
  StaticFile,
} from "./port.js";
export { createHandshake, refuseHandshake } from "./handshake.js";
export type { HandshakeFacts, HandshakeOutcome } from "./handshake.js";
export { errorBody } from "./answer.js";
export { createHttpRoutes } from "./routes.js";
export { answerWhileStarting, STARTING } from "./starting.js";
