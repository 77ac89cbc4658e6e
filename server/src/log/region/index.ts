export { Arenas } from "./arenas.js";
export { chooseRegion, type RegionChoice, type RegionKind } from "./choice.js";
export { lockDirectory, type DirectoryLock } from "./directory-lock.js";
export { FileRegion, lengthenFile, type RegionMemory } from "./file-region.js";
export { HeapRegion } from "./heap-region.js";
export { codeOf, createLogFile, openLogFile, UnusableFileError } from "./log-file.js";
export { allocateFile, MappedRegion, type MappedRegionOptions } from "./mapped-region.js";
export type { FileBackedRegion, Region } from "./region.js";
