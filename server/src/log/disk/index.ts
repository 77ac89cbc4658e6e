export { codeOf, isExhausted, UnusableFileError } from "./disk-error.js";
export { NodeDisk, NodeFile } from "./node-disk.js";
export type { DirectoryLock, Disk, DiskFile, Mapping, RegionChoice, RegionKind } from "./port.js";
