/**
 * The commands there are, as the overview lists them. A module is loaded only when its command runs: all of them, with
 * what they need, take longer to load than most commands to run.
 */
import type { Command } from "./command.js";

/** One line of the overview. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
}

export interface CommandEntry extends Entry {
  readonly load: () => Promise<Command>;
}

/** serve and config take the settings of the hub instead of options of their own. */
type AnyEntry = Entry | CommandEntry;

export const GROUPS: readonly (readonly [title: string, entries: readonly AnyEntry[]])[] = [
  [
    "Running a hub",
    [
      { name: "serve", summary: "Runs a hub" },
      { name: "config", summary: "Prints the configuration in force" },
      {
        name: "health",
        summary: "Asks whether a hub is alive, or ready to serve",
        load: async () => (await import("./health.js")).health,
      },
      {
        name: "top",
        summary: "Shows who is connected, who is behind and why",
        load: async () => (await import("./top/top.js")).top,
      },
      {
        name: "check",
        summary: "Verifies a data directory that no hub has",
        load: async () => (await import("./check.js")).check,
      },
    ],
  ],
  [
    "Messages",
    [
      {
        name: "pub",
        summary: "Publishes a message, or a file of them",
        load: async () => (await import("./pub.js")).pub,
      },
      {
        name: "sub",
        summary: "Prints the messages of a topic or pattern as they come",
        load: async () => (await import("./sub.js")).sub,
      },
      {
        name: "history",
        summary: "Prints what a topic holds, and ends",
        load: async () => (await import("./history.js")).history,
      },
    ],
  ],
  [
    "Topics",
    [
      { name: "topics", summary: "Lists topics", load: async () => (await import("./topics.js")).topics },
      {
        name: "topic",
        summary: "Shows, creates, configures or deletes a topic",
        load: async () => (await import("./topic.js")).topic,
      },
    ],
  ],
  [
    "Backups",
    [
      {
        name: "export",
        summary: "Writes what topics hold to a file",
        load: async () => (await import("./backup/export.js")).exportTopics,
      },
      {
        name: "import",
        summary: "Gives an export back to a hub",
        load: async () => (await import("./backup/import.js")).importTopics,
      },
    ],
  ],
  [
    "Trying it",
    [
      {
        name: "demo",
        summary: "Replays a week of earthquakes into the topic quakes",
        load: async () => (await import("./demo.js")).demo,
      },
      {
        name: "bench",
        summary: "Measures what a hub delivers, how fast, and at what cost",
        load: async () => (await import("./bench/bench.js")).bench,
      },
    ],
  ],
];

const COMMANDS = GROUPS.flatMap(([, entries]) => entries.filter((entry): entry is CommandEntry => "load" in entry));

/** The command of that name; undefined where there is none. */
export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((command) => command.name === name);
}
