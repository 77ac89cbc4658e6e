/** Configuration by flags, environment and file: a configuration, or a sentence. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, effectiveConfig, loadConfig } from "../../../server/src/config/index.js";
import { demand, fuzzed, type Fuzzed } from "./fuzzed.js";
import { textMutantsOf } from "./mutants.js";

const SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2";
const FLAGS = [
  "--port 0 --data here --max-batch=77 --no-mmap",
  "--host 127.0.0.1 --allowed-origins https://a.example,* --demo --transport ws",
  `--token ${SECRET} --idle-timeout-ms 60000 --log-level debug`,
  "--host 0.0.0.0 --insecure --max-message-bytes 1 --auto-create-topics=false",
];
const VARIABLES = [
  "RINGCAST_PORT=1",
  `RINGCAST_TOKEN=${SECRET}`,
  "RINGCAST_MAX_BATCH=5",
  "RINGCAST_ALLOWED_HOSTS=a,b:1",
  "RINGCAST_DEMO=true",
];
const FILES = [
  `{"port":0,"maxBatch":77,"allowedOrigins":["https://a.example"],"topics":[{"pattern":"chat.>","partitions":3,"storage":"memory"}]}`,
  `{"token":"${SECRET}","demo":true,"maxTopics":5,"topics":[{"pattern":"a","retentionMs":5,"autoCreate":false},{"pattern":">"}]}`,
];
function judge(argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): boolean {
  try {
    const loaded = loadConfig({ argv, env, cwd });
    const shown = effectiveConfig(loaded).find(({ key }) => key === "token")?.value;
    demand(shown === "" || shown === "********", "the secret is shown", shown);
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { message } = error;
    demand(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(message) && message.length < 1_000, "an unsafe sentence", message);
    return false;
  }
}

/** @param folder where the configuration file is written to */
export function settingDecoders(folder: string): readonly Fuzzed[] {
  const path = join(folder, "ringcast.config.json");
  const empty = join(folder, "empty");
  return [
    fuzzed("flags", textMutantsOf(FLAGS), (text) => judge(text.split(" "), {}, empty)),
    fuzzed("variables", textMutantsOf(VARIABLES), (text) => {
      const at = text.indexOf("=");
      return at > 0 && judge([], { [text.slice(0, at)]: text.slice(at + 1) }, empty);
    }),
    fuzzed("configuration files", textMutantsOf(FILES), (text) => {
      writeFileSync(path, text);
      return judge([], {}, folder);
    }),
  ];
}
