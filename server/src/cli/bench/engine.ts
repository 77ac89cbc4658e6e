/**
 * What a thread of the generator does: its part of the readers, writers and churners, at the word of the main thread.
 */
import { nowUs } from "./clock.js";
import type { Command } from "./command.js";
import { Gate } from "./gate.js";
import { ThreadIo } from "./io.js";
import { recordLatency } from "./latency.js";
import { Link, type LinkContext, type LinkRole } from "./link.js";
import type { Target } from "./plan.js";
import { Publisher } from "./publisher.js";
import type { Tally } from "./tally.js";
import type { CreateWire, Wire } from "./wire.js";

/** Connections that a thread dials at once: less than what servers let wait (128 to 512), shared by all threads. */
const DIALLING = 100;

export class Engine {
  readonly #tallies: readonly Tally[];
  readonly #tally: Tally;
  readonly #context: LinkContext;
  readonly #publishers: Publisher[] = [];
  readonly #gates: Gate[] = [];
  #readers: Link[] = [];
  #others: Link[] = [];

  /** @param failed is told once something makes the run worth nothing */
  constructor(tallies: readonly Tally[], thread: number, failed: (reason: string) => void) {
    this.#tallies = tallies;
    this.#tally = tallies[thread] as Tally;
    this.#context = {
      io: new ThreadIo(),
      tally: this.#tally,
      isExact: false,
      progressed: () => {
        for (const publisher of this.#publishers) publisher.wake();
      },
      failed,
    };
  }

  /** Carries out a command; resolves when that is done. */
  async do(command: Command): Promise<void> {
    switch (command.type) {
      case "readers": {
        const { target, topics, numbers } = command;
        const perConnection = command.perConnection;
        const links = await this.#dial(target, numbers, {
          topics: (number) => topicsOf(topics, number * perConnection, perConnection),
          from: command.from,
        });
        this.#readers.push(...links);
        return;
      }
      case "writers": {
        const { target, numbers } = command;
        const links = await this.#dial(target, numbers, { topics: () => [], from: "latest" });
        this.#others.push(...links);
        const gate = new Gate(this.#tallies, command.ahead, command.readers);
        this.#gates.push(gate);
        const { io } = this.#context;
        const flush = () => io.output.flush();
        this.#publishers.push(new Publisher(command, links, { tally: this.#tally, gate, flush }));
        if (command.rate !== undefined) this.#context.isExact = true;
        return;
      }
      case "publish":
        for (const publisher of this.#publishers) publisher.start();
        return;
      case "pause":
        for (const publisher of this.#publishers.splice(0)) publisher.end();
        return;
      case "churners": {
        const links = await this.#dial(command.target, command.numbers, { topics: () => [], from: "latest" });
        this.#others.push(...links);
        for (const link of links) churn(link, command.topics, command.inflight);
        this.#context.io.output.flush();
        return;
      }
      case "stall":
        for (const reader of this.#readers) {
          if (reader.role.number >= command.count) continue;
          reader.isAside = true;
          reader.pause();
        }
        this.#setReaders(command.readers);
        return;
      case "resume":
        for (const reader of this.#readers) reader.resume();
        return;
      case "cut":
        return this.#cutReaders();
      case "end":
        this.#end(command.readers);
        return;
    }
  }

  #setReaders(readers: number): void {
    for (const gate of this.#gates) gate.setReaders(readers);
  }

  #end(includesReaders: boolean): void {
    for (const publisher of this.#publishers.splice(0)) publisher.end();
    this.#gates.length = 0;
    this.#context.isExact = false;
    for (const link of this.#others.splice(0)) link.cut();
    if (!includesReaders) return;
    for (const link of this.#readers.splice(0)) link.cut();
  }

  async #cutReaders(): Promise<void> {
    const cut = this.#readers;
    const cutUs = nowUs();
    for (const link of cut) link.cut();
    this.#readers = await all(cut, (before, done) => {
      const joined = (link: Link) => {
        recordLatency(this.#tally.outage, nowUs() - cutUs);
        done(link);
      };
      new Link(this.#context, { ...before.role, joined }, before);
    });
  }

  async #dial(
    target: Target,
    numbers: readonly number[],
    role: { readonly topics: (number: number) => readonly string[]; readonly from: "latest" | "earliest" },
  ): Promise<Link[]> {
    const wire = await loadWire(target);
    return all(numbers, (number, joined) => {
      const { topics, from } = role;
      const own: LinkRole = { target, wire, number, topics: topics(number), from, joined };
      new Link(this.#context, own);
    });
  }
}

async function loadWire(target: Target): Promise<Wire> {
  const { createWire } = (await import(target.wire)) as { createWire: CreateWire };
  return createWire(target.wireOptions);
}

function topicsOf(topics: readonly string[], first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => topics[(first + index) % topics.length] as string);
}

/** Begins something for each, at most {@link DIALLING} at once; resolves when `done` was called for all. */
function all<T>(items: readonly T[], begin: (item: T, done: (link: Link) => void) => void): Promise<Link[]> {
  return new Promise((resolve) => {
    const links: Link[] = [];
    let begun = 0;
    const next = () => {
      const item = items[begun];
      if (item === undefined) return;
      begun += 1;
      begin(item, (link) => {
        links.push(link);
        if (links.length === items.length) resolve(links);
        else next();
      });
    };
    if (items.length === 0) resolve(links);
    for (let n = 0; n < DIALLING; n++) next();
  });
}

/** Subscribes and unsubscribes over and over: each answer is followed by the opposite. */
function churn(link: Link, topics: readonly string[], inflight: number): void {
  /** What is under way, in the order in which it will be answered. */
  const underWay: { readonly topic: string; readonly number: number; readonly isBegin: boolean }[] = [];
  let number = 0;
  const begin = () => {
    const topic = topics[(link.role.number + number) % topics.length] as string;
    number += 1;
    underWay.push({ topic, number, isBegin: true });
    link.subscribe(topic, number);
  };
  link.onSubscribed = () => {
    const done = underWay.shift();
    if (done?.isBegin !== true) {
      begin();
      return;
    }
    underWay.push({ ...done, isBegin: false });
    link.unsubscribe(done.topic, done.number);
  };
  for (let n = 0; n < inflight; n++) begin();
}
