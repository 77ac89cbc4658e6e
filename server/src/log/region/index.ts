export { FileRegion, lengthenFile, type RegionMemory } from "./file-region.js";
export { HeapRegion } from "./heap-region.js";
export { allocateFile, MappedRegion, type MappedRegionOptions } from "./mapped-region.js";
export { perhapsStored } from "./storage-error.js";
export type { FileBackedRegion, Region } from "./region.js";
