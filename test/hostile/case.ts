/** One hostile input, what it is met with, and the tests that are made of a table of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "@ringcast/protocol";
import { startHub, type TestHub } from "../support/hub.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { Bystander } from "./bystander.js";

/** Where a case is tried. */
export interface Scene {
  readonly hub: TestHub;
  readonly transport: TransportName;
}

/**
 * How the hub meets an input. `E code`: an error reply, and the connection goes on. `X code/n`: an error reply, then the connection is closed with `n`.
 * `DROP`: the transport cuts the connection within a second or two. `CLOSE n`: closed without an error. `H400 code`: an HTTP status, with the code of the JSON error
 * body where there is one. `ok`: taken, because it is no more than unusual.
 */
export type Outcome =
  | `E ${ErrorCode}`
  | `X ${ErrorCode}/${number}`
  | "DROP"
  | `CLOSE ${number}`
  | `H${number}`
  | `H${number} ${ErrorCode}`
  | "ok";

export interface HostileCase {
  /** The number under which it is catalogued, with a letter where there are several of one number: `J8b` */
  readonly id: string;
  /** What is sent, in a few words. */
  readonly title: string;
  /** The one outcome that is right, or that of each transport where the WebSocket or HTTP layer itself answers differently. */
  readonly outcome: Outcome | Readonly<Record<TransportName, Outcome>>;
  /** Does it, and tells how it was met. */
  readonly meet: (scene: Scene) => Promise<Outcome>;
  /** What it sends, where it does nothing else: makes no topic first, waits for nothing. */
  readonly sentBytes?: number;
  /** Over these it takes ten seconds, a time-out of the library that can't be set: only the long run waits for it. */
  readonly patientOver?: readonly TransportName[];
}

export interface FamilyOptions {
  /** More arguments of `ringcast serve`. */
  readonly args?: readonly string[];
  /** Tries only the cases that take ten seconds, instead of all others. */
  readonly isPatient?: true;
  /** All cases are tried at the same time: for those that wait until the hub gives up. */
  readonly isConcurrent?: true;
  /** Where the hub asks for one: the bystander's. */
  readonly token?: string;
  /** All there are, unless said otherwise. */
  readonly transports?: readonly TransportName[];
  /** What has to hold when all cases are done. */
  readonly finally?: (scene: Scene) => Promise<void>;
}

/** Tries every case of a family on each transport there is. Meanwhile a bystander's stream stays whole, and the hub neither dies nor complains. */
export function describeCases(family: string, cases: readonly HostileCase[], options: FamilyOptions = {}): void {
  const isTried = ({ patientOver = [] }: HostileCase, transport: TransportName): boolean =>
    patientOver.includes(transport) === (options.isPatient === true);
  const transports = (options.transports ?? TRANSPORTS).filter((name) => cases.some((each) => isTried(each, name)));
  describe.each(transports)(`${family}, over %s`, (transport) => {
    let hub: TestHub;
    let bystander: Bystander;
    beforeAll(async () => {
      hub = await startHub({ args: ["--transport", transport, ...(options.args ?? [])] });
      bystander = await Bystander.start(hub, options.token);
    });
    afterAll(async () => {
      await bystander[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    });

    const test = options.isConcurrent === true ? it.concurrent : it;
    test.each(cases.filter((each) => isTried(each, transport)))("$id: $title", async ({ outcome, meet }) => {
      const met = await meet({ hub, transport });

      expect(met).toBe(typeof outcome === "string" ? outcome : outcome[transport]);
    });

    it("leaves a bystander's stream whole, nothing stored beside it, and no complaint in the hub's log", async () => {
      await bystander.complete();
      expect(hub.output().stderr).not.toMatch(/uncaught|unhandled|\bat .+:\d+:\d+/i);
      await options.finally?.({ hub, transport });
    });
  });
}
