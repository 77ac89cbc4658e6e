export { Arenas } from "./arenas.js";
export { lockDirectory, type DirectoryLock } from "./directory-lock.js";
export { HeapRegion } from "./heap-region.js";
export { codeOf, createLogFile, openLogFile, UnusableFileError } from "./log-file.js";
export { allocateFile, MappedRegion, type MappedRegionOptions } from "./mapped-region.js";
export type { Region } from "./region.js";
