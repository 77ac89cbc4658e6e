/** Numbers of msgpack that have bytes of their own behind the first one. */
import { FLOAT_32, FLOAT_64, INT_8, INT_64, UINT_8, UINT_64 } from "./format.js";

/** Bytes behind the first one: 4 or 8 for floats, else 1, 2, 4 or 8. */
export function numberBytes(first: number): number {
  return first < UINT_8 ? 4 << (first - FLOAT_32) : 1 << ((first - UINT_8) & 3);
}

/**
 * The number whose bytes begin at `at`, behind `first`.
 *
 * @returns a bigint only for an integer beyond 2^53 - 1
 */
export function numberAt(view: DataView, at: number, first: number): number | bigint {
  switch (first) {
    case FLOAT_32:
      return view.getFloat32(at);
    case FLOAT_64:
      return view.getFloat64(at);
    case UINT_8:
      return view.getUint8(at);
    case UINT_8 + 1:
      return view.getUint16(at);
    case UINT_8 + 2:
      return view.getUint32(at);
    case UINT_64:
      return safe(view.getBigUint64(at));
    case INT_8:
      return view.getInt8(at);
    case INT_8 + 1:
      return view.getInt16(at);
    case INT_64:
      return safe(view.getBigInt64(at));
    default:
      return view.getInt32(at);
  }
}

function safe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
