/** `ringcast topic`: shows, makes, changes and deletes one topic. */
import type { Command } from "./command.js";
import { HUB_OPTIONS, readHubAddress } from "./hub-access.js";
import { isTopicAction, runTopicAction, TOPIC_ACTIONS, TOPIC_OPTIONS } from "./topic-actions.js";
import { UsageError } from "./usage.js";

export const topic: Command = {
  usage: ["<topic> [show]", "<topic> create [options]", "<topic> set [options]", "<topic> delete [--yes]"],
  options: { ...TOPIC_OPTIONS, ...HUB_OPTIONS },
  examples: [
    ["ringcast topic orders", "heads, tails and configuration"],
    ["ringcast topic orders create --partitions 4", "before the first message"],
    ["ringcast topic orders set --retention-ms 86400000", "keeps a day from now on"],
  ],
  run: async (args, terminal) => {
    const [name, action = "show", ...rest] = args.positionals;
    if (name === undefined) throw new UsageError("Name the topic: ringcast topic <topic>.");
    if (rest.length > 0) throw new UsageError("Name one topic at a time.");
    if (!isTopicAction(action)) {
      const actions = TOPIC_ACTIONS.join(", ");
      throw new UsageError(`ringcast topic has no action ${JSON.stringify(action)}: use one of ${actions}.`);
    }
    return runTopicAction(action, name, { address: readHubAddress(args), args, terminal });
  },
};
