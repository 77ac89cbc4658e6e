/** Everybody who publishes and reads in a run: publishers and readers of both dialects, publishers and pages over HTTP, event streams and users of the SDK, on each topic. */
import type { Random } from "../../support/random.js";
import { EventStreamReader } from "./event-stream-reader.js";
import { PageReader } from "./page-reader.js";
import { Publisher } from "./publisher.js";
import { Reader } from "./reader.js";
import type { Recorder } from "./recorder.js";
import { SdkUser } from "./sdk-user.js";
import type { Dialect, Surroundings } from "./surroundings.js";

export interface CrewOptions {
  readonly topics: readonly string[];
  readonly surroundings: Surroundings;
  readonly random: Random;
  readonly recorder: Recorder;
  /** The longest pause behind a publish, milliseconds. */
  readonly thinkMs: number;
}

/** The offset behind the last record of each partition, by topic. */
export type Heads = ReadonlyMap<string, ReadonlyMap<number, number>>;

type AnyReader = Reader | EventStreamReader | PageReader;

interface ReaderOf {
  readonly topic: string;
  readonly reader: AnyReader | SdkUser;
}

const DIALECTS: readonly Dialect[] = ["json", "msgpack"];
const PUBLISHED_BY = [...DIALECTS, "http"] as const;
const CATCH_UP_MS = 8_000;

export class Crew {
  readonly #options: CrewOptions;
  readonly #publishers: readonly Publisher[];
  readonly #readers: readonly AnyReader[];
  readonly #users: readonly SdkUser[];
  readonly #everybody: readonly ReaderOf[];
  readonly #publishing: readonly Promise<void>[];
  readonly #reading: readonly Promise<void>[];

  /** They begin at once. */
  constructor(options: CrewOptions) {
    const { topics, random } = options;
    this.#options = options;
    this.#publishers = topics.flatMap((topic) =>
      PUBLISHED_BY.flatMap((speaks) => [true, false].map((isOnce) => this.#publisher(topic, speaks, isOnce, random))),
    );
    const readers = topics.flatMap((topic) => this.#readersOf(topic, random).map((reader) => ({ topic, reader })));
    this.#readers = readers.map(({ reader }) => reader);
    const users = topics.flatMap((topic) => [1, 2].map((number) => ({ topic, reader: this.#user(topic, number) })));
    this.#users = users.map(({ reader }) => reader);
    this.#everybody = [...readers, ...users];
    this.#publishing = [...this.#publishers.map((each) => each.run()), ...this.#users.map((user) => user.publish())];
    this.#reading = [...this.#readers.map((each) => each.run()), ...this.#users.map((user) => user.read())];
  }

  /** Nobody publishes any more; resolves when each publish has its outcome. Whoever reads does it without pauses from now on. */
  async stopPublishing(): Promise<void> {
    for (const each of [...this.#publishers]) each.stop();
    for (const user of this.#users) user.stopPublishing();
    await Promise.all(this.#publishing);
    for (const each of this.#readers) if (each instanceof Reader) each.hurry();
  }

  /** Why the run says nothing of a kind of publishers. */
  idle(): string[] {
    const idle = PUBLISHED_BY.filter((way) =>
      this.#publishers.every(({ speaks, acknowledged }) => speaks !== way || acknowledged === 0),
    );
    return idle.map((way) => `no publish by ${way} was acknowledged`);
  }

  /** Everybody reads to the end, or for as long as it may take. */
  async finish(heads: Heads): Promise<void> {
    const isThere = ({ topic, reader }: ReaderOf): boolean =>
      [...(heads.get(topic) ?? [])].every(([partition, head]) => (reader.offsetIn(partition) ?? head) >= head);
    const deadline = performance.now() + CATCH_UP_MS;
    while (!this.#everybody.every(isThere) && performance.now() < deadline) await this.#options.surroundings.pause(20);
    for (const each of this.#readers) each.stop();
    for (const user of this.#users) await user.close();
    await Promise.all(this.#reading);
  }

  #publisher(topic: string, speaks: Dialect | "http", isIdempotent: boolean, random: Random): Publisher {
    const name = `${topic} ${speaks}-${isIdempotent ? "once" : "many"}`;
    return new Publisher({ ...this.#options, topic, name, speaks, isIdempotent, random: random.fork() });
  }

  #readersOf(topic: string, random: Random): AnyReader[] {
    const { recorder, surroundings } = this.#options;
    const { http } = surroundings;
    const reader = (dialect: Dialect, from: "earliest" | "latest", window: number): Reader => {
      const name = `${topic}: ${dialect} from ${from}, window ${window}`;
      return new Reader({ recorder, surroundings, topic, name, dialect, from, window, random: random.fork() });
    };
    return [
      ...DIALECTS.flatMap((each) => [reader(each, "earliest", 0), reader(each, "latest", 64)]),
      new EventStreamReader(`${topic}: event stream`, topic, recorder, surroundings),
      ...(http === undefined ? [] : [new PageReader(`${topic}: pages`, topic, { recorder, surroundings, http })]),
    ];
  }

  #user(topic: string, number: number): SdkUser {
    return new SdkUser({
      ...this.#options,
      topic,
      name: `${topic} sdk-${number}`,
      random: this.#options.random.fork(),
    });
  }
}
