/** The wire contract of Ringcast as code: runs in browsers and in Node alike, does no input or output and reads no clock. */
export * from "./base64.js";
export * from "./crc32.js";
export * from "./digest.js";
export * from "./errors.js";
export * from "./headers.js";
export * from "./limits.js";
export * from "./operations.js";
export * from "./partition.js";
export * from "./position.js";
export * from "./record.js";
export * from "./topic.js";
export * from "./utf8.js";
