/**
 * Addresses of peers as text.
 */

const MAPPED = /^(?:::|(?:0+:){5})ffff:/i;

/** An address as Node writes it, an IPv4 address mapped into IPv6 shown as IPv4. */
export function plainAddress(address: string): string {
  if (!MAPPED.test(address)) return address;
  const tail = address.replace(MAPPED, "");
  return tail.includes(".") ? tail : address;
}

/**
 * An address from its bytes in network order.
 *
 * @param bytes 4 for IPv4, 16 for IPv6; anything else (the peer is gone already) gives an empty text
 */
export function addressFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) return "";
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.subarray(12).join(".") : ipv6Text(bytes);
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, group) => view.getUint16(group * 2).toString(16));
  let [runAt, runLength] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (groups[end] === "0") end++;
    if (end - at > runLength) [runAt, runLength] = [at, end - at];
  }
  if (runAt < 0) return groups.join(":");
  return `${groups.slice(0, runAt).join(":")}::${groups.slice(runAt + runLength).join(":")}`;
}
