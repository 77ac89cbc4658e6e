/** One hub for all tests of a file, or of a describe block, that leave it as they find it: each works on topics of its own. */
import { afterAll, beforeAll } from "vitest";
import { startHub, type HubOptions, type TestHub } from "./hub.js";

/** What of a hub doesn't change while it runs. */
export type SharedHub = Pick<TestHub, "url" | "wsUrl" | "port" | "data" | "output">;

/** Starts it before the first test and ends it behind the last one; until then it has no address. */
export function sharedHub(options: HubOptions = {}): SharedHub {
  let running: TestHub | undefined;
  const hub = (): TestHub => {
    if (running === undefined) throw new Error("The hub is there for tests alone.");
    return running;
  };
  beforeAll(async () => {
    running = await startHub(options);
  });
  afterAll(() => running?.[Symbol.asyncDispose]());
  return {
    get url() {
      return hub().url;
    },
    get wsUrl() {
      return hub().wsUrl;
    },
    get port() {
      return hub().port;
    },
    get data() {
      return hub().data;
    },
    output: () => hub().output(),
  };
}

let topics = 0;

/** The name of a topic that no other test of the file uses. */
export function freshTopic(): string {
  return `topic-${++topics}`;
}
