/** `ringcast demo`: replays the week of quakes into a hub, from here. */
import { randomBytes } from "node:crypto";
import {
  DEFAULT_SPEED,
  findAssets,
  LEAST_SPEED,
  MOST_SPEED,
  isSpeed,
  QUAKES_TOPIC,
  readWeek,
  replayWeek,
} from "../dashboard/index.js";
import { createNodeRuntime } from "../runtime/index.js";
import type { Command } from "./command.js";
import { HUB_OPTIONS, openHub, readHubAddress } from "./hub-access.js";
import { countText, Progress } from "./progress.js";
import { EXIT } from "./terminal.js";
import { UsageError } from "./usage.js";

const ID_BYTES = 9;

export const demo: Command = {
  usage: ["[options]"],
  options: {
    speed: {
      type: "string",
      short: "s",
      placeholder: "<hours>",
      description: `Hours of the week that pass in a second,\n${LEAST_SPEED} to ${MOST_SPEED} (default ${DEFAULT_SPEED}: the week in 84 s)`,
    },
    ...HUB_OPTIONS,
  },
  notes: `The 1,707 quakes of the US Geological Survey's feed of February 2018, each published when it is due, its network
as the key. A hub started with "ringcast serve --demo" shows them at /demo.`,
  examples: [
    ["ringcast demo", "the week in a minute and a half"],
    ["ringcast demo --speed 24", "a day a second"],
  ],
  run: async (args, terminal) => {
    if (args.positionals.length > 0) throw new UsageError("ringcast demo takes options only.");
    const speed = readSpeed(args.text("speed"));
    const week = readWeek(findAssets());
    await using hub = await openHub(readHubAddress(args));
    const progress = new Progress(terminal, "quakes");
    let done = 0;
    const isWhole = await replayWeek({
      week,
      replay: `cli-${randomBytes(ID_BYTES).toString("base64url")}`,
      speed,
      first: 0,
      clock: createNodeRuntime(),
      signal: terminal.interrupted,
      publish: ({ data, key, headers }) => hub.publish(QUAKES_TOPIC, data, { key, headers }),
      progress: (count) => {
        done = count;
        progress.update(count, count / week.length);
      },
    });
    progress.end();
    if (!terminal.isOutTerminal) await terminal.printJson({ topic: QUAKES_TOPIC, messages: done, complete: isWhole });
    else
      await terminal.print(
        `published ${countText(done)} of ${countText(week.length)} quakes in ${progress.seconds().toFixed(1)} s`,
      );
    return EXIT.ok;
  },
};

function readSpeed(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SPEED;
  const speed = text.trim() === "" ? NaN : Number(text);
  if (isSpeed(speed)) return speed;
  throw new UsageError(`--speed must be a number from ${LEAST_SPEED} to ${MOST_SPEED}, not ${JSON.stringify(text)}.`);
}
