/** The settings as text: the lower part of `ringcast serve --help`, and docs/configuration.md. */
import { DEFAULT_TOPIC_CONFIG, TOPIC_CONFIG_RULES } from "@ringcast/protocol";
import { flagOf, SETTING_KEYS, settingOf, variableOf, type SettingKey } from "./schema.js";
import { SETTING_GROUPS, type Setting } from "./setting.js";

const HELP_WIDTH = 100;
const INDENT = 34;

/** Flags by group with description and default, for a terminal; ends with a line break. */
export function optionsHelp(): string {
  const groups = SETTING_GROUPS.map((group) => {
    const lines = keysOf(group)
      .filter((key) => settingOf(key).fileOnly !== true)
      .map(helpOf);
    return `${group}:\n${lines.join("")}`;
  });
  return `${groups.join("\n")}
Every flag is also an environment variable (--max-batch: RINGCAST_MAX_BATCH) and a key of ringcast.config.json
(maxBatch); a flag wins over a variable, a variable over the file. ringcast config prints what holds.
`;
}

/** The reference page, docs/configuration.md. */
export function configurationPage(): string {
  return `# Configuration

<!-- Made from server/src/config/schema.ts by \`npm run docs\`. A test compares it with the schema. -->

Every setting is a flag of \`ringcast serve\`, an environment variable and a key of the configuration file, in that order of
precedence. The file is \`ringcast.config.json\` in the working directory, or the one that \`--config\` or \`RINGCAST_CONFIG\` names. \`ringcast config\` prints
the configuration in force and where each value comes from; secrets are masked.

\`\`\`json
{
  "port": 7447,
  "allowedOrigins": ["https://app.example"],
  "topics": [{ "pattern": "chat.>", "partitions": 4, "capacityBytes": 67108864 }]
}
\`\`\`

- A switch is set by its flag alone (\`--demo\`), by \`--demo=false\` or \`--no-demo\`, and by \`true\` or \`false\` in a variable.
- Lists are separated by commas in flags and variables; a flag may be given several times.
- A relative path starts from the working directory; in the file, from the file's folder.
- An empty variable counts as not set. Where it should hold a secret, the hub does not start.
- On SIGHUP the hub reads its files again (flags and variables stay as they were). Settings with *yes* in the column *SIGHUP* hold their new value from then on, for
  connections that are open, too; for any other that changed it logs a sentence that it needs a restart. A configuration that is wrong changes nothing and is logged. Connections
  whose token is gone are closed with 4401. Certificate and key are also read again by themselves when their files change.
- The hub does not start either with an unknown key, a misspelt flag or variable, or a value out of range: it ends with exit code 2 and a sentence that
  names the setting.
${SETTING_GROUPS.map(groupTable).join("")}
## Topic configuration

Keys of the entries of \`topics\`, beside \`pattern\` and \`autoCreate\` (whether a publish or a subscription may create such a topic), and of the body of \`PUT /v1/topics/{topic}\`.

| key | values | default | meaning |
| --- | --- | --- | --- |
${topicRows()}
## Exit codes

| code | meaning |
| --- | --- |
| 0 | stopped in good order |
| 1 | could not start, e.g. the port is in use, or a failure |
| 2 | a configuration error; also a data directory that another hub uses or that can't be opened |
`;
}

function keysOf(group: Setting["group"]): SettingKey[] {
  return SETTING_KEYS.filter((key) => settingOf(key).group === group);
}

function helpOf(key: SettingKey): string {
  const setting = settingOf(key);
  const head = `  ${flagOf(key)} ${setting.placeholder}`.trimEnd();
  const absent = setting.default === "" || setting.default === false || isEmptyList(setting.default);
  const standard = absent ? "" : ` (default ${String(setting.default)})`;
  const lines = wrap(setting.description.replaceAll("`", "") + standard, HELP_WIDTH - INDENT);
  const [first, rest] = head.length < INDENT - 1 ? [lines[0] ?? "", lines.slice(1)] : ["", lines];
  const start = first === "" ? head : head.padEnd(INDENT) + first;
  return [start, ...rest.map((line) => " ".repeat(INDENT) + line)].map((line) => `${line}\n`).join("");
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function groupTable(group: Setting["group"]): string {
  const rows = keysOf(group).map((key) => {
    const setting = settingOf(key);
    const name =
      setting.fileOnly === true
        ? `\`${key}\`<br>(file only)`
        : `\`${key}\`<br>\`${flagOf(key)}\`<br>\`${variableOf(key)}\``;
    const values = setting.unit === undefined ? setting.values : `${setting.values} (${setting.unit})`;
    return `| ${name} | ${values} | ${defaultOf(setting)} | ${setting.reloads === true ? "yes" : "restart"} | ${setting.description} |\n`;
  });
  return `\n## ${group}\n\n| setting | values | default | SIGHUP | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join("")}`;
}

function defaultOf(setting: Setting): string {
  return setting.default === "" || isEmptyList(setting.default) ? "none" : `\`${String(setting.default)}\``;
}

function topicRows(): string {
  const rules = Object.entries(TOPIC_CONFIG_RULES);
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_TOPIC_CONFIG };
  return rules
    .map(([key, rule]) => `| \`${key}\` | ${rule.values} | \`${String(defaults[key])}\` | ${rule.meaning} |\n`)
    .join("");
}
