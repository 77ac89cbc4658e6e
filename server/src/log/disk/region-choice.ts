import { statfsSync } from "node:fs";
import type { RegionChoice } from "./port.js";

/** Space that these reserve is there when a mapped page is written to, by `f_type` of statfs(2). */
const TRUSTED = new Map([
  [0xef53, "ext4"],
  [0x58465342, "XFS"],
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
]);
/** Here a write to a mapped page may need new space, or an answer of somebody else, and kills the process when it doesn't get it. */
const KNOWN = new Map([
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "ZFS"],
  [0xca451a4e, "bcachefs"],
  [0xf2f52010, "F2FS"],
  [0x794c7630, "overlayfs"],
  [0x65735546, "FUSE"],
  [0x01021997, "9p"],
]);

/**
 * Chooses the region for a data directory.
 * @param isMappingWanted false: never map
 */
export function chooseRegion(directory: string, isMappingWanted: boolean): RegionChoice {
  if (!isMappingWanted) return { kind: "file", reason: "mapping is switched off" };
  const type = Number(BigInt.asUintN(32, BigInt(statfsSync(directory).type)));
  const trusted = TRUSTED.get(type);
  if (trusted !== undefined) return { kind: "mapped", reason: `${trusted} keeps the space it promised` };
  const name = KNOWN.get(type) ?? `file system 0x${type.toString(16)}`;
  return { kind: "file", reason: `mapped writes can't be trusted on ${name}` };
}
