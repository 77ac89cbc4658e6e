export { addressGroup } from "./address.js";
export { ANYBODY } from "./port.js";
export type { Authenticator, Identity, Verdict } from "./port.js";
export { tokenOfHeader, tokenOfSubprotocols } from "./bearer.js";
export { isListedOrigin, isLoopbackAddress, judgeOrigin } from "./origin.js";
export type { OriginPolicy, Refusal } from "./origin.js";
export { createStaticAuthenticator } from "./static-tokens.js";
export type { StaticAuthenticator, StaticToken } from "./static-tokens.js";
