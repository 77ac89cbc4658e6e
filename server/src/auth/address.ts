/**
 * Which addresses belong to one peer, wherever something is counted by address.
 */

const GROUPS = 8;
/** A provider gives each customer a /64 at least: whoever has one has 2^64 addresses. */
const NETWORK_GROUPS = 4;
const MAPPED_IPV4 = /^(?:::|(?:0+:){5})ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * What an address is counted under: an IPv4 address itself, also where it is mapped into IPv6; of an IPv6 address its /64.
 *
 * @param address as a socket names it, without port
 * @returns anything that is no IPv6 address comes back as it is
 */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const first = groupsOf(before);
  const left = after === undefined ? 0 : GROUPS - first.length - groupsOf(after).length;
  const all = [...first, ...new Array<string>(Math.max(0, left)).fill("0"), ...groupsOf(after ?? "")];
  return `${all.slice(0, NETWORK_GROUPS).map(plainGroup).join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

function plainGroup(group: string): string {
  return group.toLowerCase().replace(/^0+(?=.)/, "");
}
