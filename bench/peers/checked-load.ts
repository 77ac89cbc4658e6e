/** Small loads whose counts must come out exactly. */
import type { LoadGenerator } from "../../server/src/cli/bench/generator.js";
import type { Target } from "../../server/src/cli/bench/plan.js";
import type { RunningPeer } from "./peer.js";

export const TOPIC = "bench.check";
/** At least so many, whatever is checked. */
export const RECORDS = 1_000;

const READERS = 3;
const RATE = 2_000;
const WITHIN_MS = 20_000;

/** Abilities that the generator measures; each method returns what is wrong. */
export class CheckedLoad {
  constructor(
    private readonly generator: LoadGenerator,
    private readonly peer: RunningPeer,
  ) {}

  /** Slowly, with the time of each, and then as fast as it goes, in batches. */
  async fanout(target: Target): Promise<string | undefined> {
    const { generator } = this;
    const readers = { target, topics: [TOPIC], connections: READERS };
    await generator.readers(readers);
    await generator.writers({ target, topics: [TOPIC], connections: 1, bytes: 128, rate: RATE });
    const slow = await generator.run({ ms: (RECORDS / RATE) * 1000, pids: [this.peer.pid] });
    if (slow.delivery === undefined || slow.delivery.p50 > 1_000_000) return `latency ${JSON.stringify(slow.delivery)}`;
    if (slow.delivery.count === 0) return "no latency";
    await this.#settle(false);
    await generator.endWriters();
    await generator.writers({ target, topics: [TOPIC], connections: 1, bytes: 1_000, batch: 10, ahead: 200 });
    await this.#until(() => generator.totals().published >= RECORDS * 3);
    await this.#settle(false);
    const { published, delivered, lost } = generator.totals();
    return delivered === published * READERS && lost === 0
      ? undefined
      : `${published} published, ${delivered} delivered to ${READERS}, ${lost} lost`;
  }

  /** In batches of ten. */
  async acknowledged(target: Target): Promise<string | undefined> {
    const { generator } = this;
    await generator.writers({ target, topics: [TOPIC], connections: 1, bytes: 128, batch: 10, inflight: 10 });
    await this.#until(() => generator.totals().acknowledged >= RECORDS);
    await this.#settle(true);
    const { published, acknowledged } = generator.totals();
    return published === acknowledged ? undefined : `${published} published, ${acknowledged} acknowledged`;
  }

  /** As many times as there are readers what was stored. */
  async replay(target: Target): Promise<string | undefined> {
    const problem = await this.acknowledged(this.peer.target("ingest"));
    if (problem !== undefined) return problem;
    const { generator } = this;
    await generator.readers({ target, topics: [TOPIC], connections: READERS, from: "earliest" });
    const { published } = generator.totals();
    await this.#until(() => generator.totals().delivered >= published * READERS);
    await this.#settle(false);
    const { delivered } = generator.totals();
    return delivered === published * READERS ? undefined : `${published} stored, ${delivered} delivered to ${READERS}`;
  }

  async #settle(acknowledges: boolean): Promise<void> {
    if (await this.generator.settle({ timeoutMs: WITHIN_MS, acknowledges })) return;
    throw new Error(`Something is still on its way: ${JSON.stringify(this.generator.totals())}`);
  }

  async #until(holds: () => boolean): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    while (!holds()) {
      await this.generator.run({ ms: 20 });
      if (performance.now() > deadline) throw new Error(`Not in time: ${JSON.stringify(this.generator.totals())}`);
    }
  }
}
