/**
 * The first frame of each connection. Only the connection's id and the time are its own: those that come within a millisecond, as thousands do after a cut, share
 * the rest, whose making was a twentieth of what such a connection costs.
 */
import type { WelcomeFrame } from "@ringcast/protocol";
import type { Dialect } from "./dialects.js";

/** What all connections are told. */
export type WelcomeFacts = Pick<WelcomeFrame, "server" | "instance" | "limits">;

/** The frame as it was written last in a dialect. */
interface Kept {
  readonly time: number;
  readonly idLength: number;
  readonly idAt: number;
  readonly bytes: Uint8Array;
}

export class Welcome {
  readonly #facts: WelcomeFacts;
  readonly #kept = new Map<Dialect, Kept>();

  constructor({ server, instance, limits }: WelcomeFacts) {
    this.#facts = { server, instance, limits };
  }

  /**
   * The frame for a connection.
   *
   * @param connection its id, in ASCII
   * @returns bytes that hold until the next call
   */
  bytes(dialect: Dialect, connection: string, time: number): Uint8Array {
    const { bytes, idAt } = this.#keptFor(dialect, connection.length, time);
    for (let i = 0; i < connection.length; i++) bytes[idAt + i] = connection.charCodeAt(i);
    return bytes;
  }

  #keptFor(dialect: Dialect, idLength: number, time: number): Kept {
    const known = this.#kept.get(dialect);
    if (known?.time === time && known.idLength === idLength) return known;
    const bytes = this.#encode(dialect, "a".repeat(idLength), time);
    const idAt = known?.idLength === idLength ? known.idAt : this.#idAt(dialect, bytes, idLength);
    const kept = { time, idLength, idAt, bytes };
    this.#kept.set(dialect, kept);
    return kept;
  }

  /** Where the id begins: frames that differ in it alone begin to differ there. The time stands behind it. */
  #idAt(dialect: Dialect, bytes: Uint8Array, idLength: number): number {
    const other = this.#encode(dialect, "b".repeat(idLength), 0);
    return bytes.findIndex((byte, at) => byte !== other[at]);
  }

  #encode(dialect: Dialect, connection: string, time: number): Uint8Array {
    const { server, instance, limits } = this.#facts;
    return dialect.encode({ op: "welcome", protocol: 1, server, connection, instance, limits, time }).bytes;
  }
}
