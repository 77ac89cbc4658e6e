/** C: configurations that nobody in his right mind writes. Each ends a start with exit code 2, at once, and a sentence that names what to change. */

export interface ConfigCase {
  readonly id: string;
  readonly title: string;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text of the configuration file. */
  readonly file?: string;
  /** Text of a token file, and its mode. */
  readonly tokens?: string;
  readonly mode?: number;
  /** What the sentence says. */
  readonly complaint: string;
  /** What it doesn't say. */
  readonly secret?: string;
}

const PASSWORD = "hunter2-hunter2-hunter2";
const STRONG = "0123456789abcdef0123456789abcdef";
/** Stands for the token file of a case. */
export const TOKENS = "<tokens>";
/** Stands for a FIFO that nobody writes to. */
export const FIFO = "<fifo>";

const numbered = (number: string, cases: readonly Omit<ConfigCase, "id">[]): ConfigCase[] =>
  cases.map((each, n) => ({ ...each, id: `${number}${String.fromCharCode(97 + n)}` }));
const exposed = ["--host", "0.0.0.0"];

export const CONFIGURATIONS: readonly ConfigCase[] = [
  ...numbered("C1", [
    { title: "a misspelt flag", argv: ["--prot", "1"], complaint: "did you mean --port?" },
    { title: "a misspelt variable", env: { RINGCAST_PROT: "1" }, complaint: "did you mean RINGCAST_PORT?" },
    { title: "a misspelt key", file: `{"prot":1}`, complaint: "did you mean port?" },
    { title: "a key that nobody knows", file: `{"quux-frobnicate":1}`, complaint: '"quux-frobnicate"' },
    { title: "the key __proto__", file: `{"__proto__":{"port":1}}`, complaint: '"__proto__"' },
    { title: "the key constructor", file: `{"constructor":1}`, complaint: '"constructor"' },
    { title: "a key with what can't be seen", file: `{"po\\u202ert\\u200b":1}`, complaint: "\\u202e" },
    { title: "a flag like a prototype's", argv: ["--constructor", "1"], complaint: '"--constructor"' },
    { title: "a unit", argv: ["--max-message-bytes", "1e9GB"], complaint: 'not "1e9GB"' },
    { title: "a negative size", argv: ["--max-message-bytes=-1"], complaint: "must be an integer from" },
    { title: "1e400", file: `{"maxBatch":1e400}`, complaint: "maxBatch" },
    { title: "a text as a number", file: `{"port":"80"}`, complaint: "port" },
    { title: "a list as a switch", file: `{"demo":[true]}`, complaint: "demo" },
    { title: "null", file: `{"data":null}`, complaint: "data" },
    { title: "a text of a megabyte", argv: [`--data=${"x".repeat(100_000)}`], complaint: "must have at most 4096" },
    {
      title: "10,000 origins",
      argv: [`--allowed-origins=${"https://a.b,".repeat(10_000)}`],
      complaint: "at most 1000",
    },
    { title: "an origin with a path", argv: ["--allowed-origins", "https://a.b/c"], complaint: "must be an origin" },
    { title: "a rule without pattern", file: `{"topics":[{"partitions":2}]}`, complaint: "must have a pattern" },
    { title: "a rule with a bad pattern", file: `{"topics":[{"pattern":"a.>.b"}]}`, complaint: "is no pattern" },
    {
      title: "a rule with 10^9 partitions",
      file: `{"topics":[{"pattern":"a","partitions":1000000000}]}`,
      complaint: "1 to 1024",
    },
    { title: "a rule behind __proto__", file: `{"topics":[{"__proto__":{"pattern":"a"}}]}`, complaint: "__proto__" },
    {
      title: "1,001 rules",
      file: JSON.stringify({ topics: Array(1_001).fill({ pattern: "a" }) }),
      complaint: "at most 1000",
    },
  ]),
  ...numbered("C2", [
    { title: "an open address without a token", argv: exposed, complaint: "--token-file" },
    { title: "an address with what can't be seen", argv: ["--host", "\u202e0.0.0.0"], complaint: "--token-file" },
    {
      title: "a value with what can't be seen, for a flag that takes none",
      argv: ["--no-mmap=\u202etrue"],
      complaint: "takes no value",
    },
    { title: "all of IPv6 without a token", argv: ["--host", "::"], complaint: "--token-file" },
    ...["changeme", "secret", "password", STRONG.slice(1)].map((token) => ({
      title: `an open address with the token ${token.slice(0, 8)}`,
      argv: exposed,
      env: { RINGCAST_TOKEN: token },
      complaint: "too weak",
      secret: `"${token}"`,
    })),
    {
      title: "a weak token beside a strong one",
      argv: [...exposed, "--token-file", TOKENS],
      tokens: `a:${STRONG}\nb:weak\n`,
      complaint: "too weak",
    },
    {
      title: "a token file that others can read",
      argv: ["--token-file", TOKENS],
      tokens: STRONG,
      mode: 0o644,
      complaint: "chmod 600",
      secret: STRONG,
    },
    { title: "an empty token file", argv: ["--token-file", TOKENS], tokens: "# none\n\n", complaint: "holds no token" },
    {
      title: "a token file with a blank in a token",
      argv: ["--token-file", TOKENS],
      tokens: `${PASSWORD} x`,
      complaint: "line 1, is no token",
      secret: PASSWORD,
    },
    {
      title: "a token file with NUL in it",
      argv: ["--token-file", TOKENS],
      tokens: `${PASSWORD}\u0000`,
      complaint: "is no token",
      secret: PASSWORD,
    },
    {
      title: "a token file of 2 MiB",
      argv: ["--token-file", TOKENS],
      tokens: `${STRONG}\n`.repeat(65_000),
      complaint: "is no file of tokens",
    },
    { title: "a folder as token file", argv: ["--token-file", "/"], complaint: "is no file of tokens" },
    { title: "a token file that never ends", argv: ["--token-file", "/dev/zero"], complaint: "is no file of tokens" },
    { title: "a token file that nobody writes", argv: ["--token-file", FIFO], complaint: "is no file of tokens" },
    { title: "an empty secret", env: { RINGCAST_TOKEN: "" }, complaint: "RINGCAST_TOKEN is empty" },
  ]),
  ...numbered("C3", [
    { title: "YAML", file: "port: 80\n", complaint: "is not JSON" },
    { title: "YAML with a thousand laughs", file: "a: &a [x,x]\nb: &b [*a,*a]\n", complaint: "is not JSON" },
    { title: "a program", file: "throw new Error()", complaint: "is not JSON" },
    {
      title: "a secret in what isn't JSON",
      file: `{\n"token": ${PASSWORD}}`,
      complaint: "is not JSON",
      secret: PASSWORD.slice(0, 5),
    },
    { title: "half an object", file: "{", complaint: "is not JSON" },
    ...["[]", "null", "7"].map((file) => ({ title: file, file, complaint: "must hold a JSON object" })),
    { title: "nothing", file: "", complaint: "is not JSON" },
    { title: "400,000 brackets", file: "[".repeat(400_000), complaint: "is not JSON" },
    { title: "a value 100,000 deep", file: `{"port":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, complaint: "port" },
    { title: "2 MiB", file: " ".repeat(2_097_152), complaint: "at most 1 MiB" },
    { title: "a folder", argv: ["--config", "/"], complaint: "must be a file" },
    { title: "a file that never ends", argv: ["--config", "/dev/zero"], complaint: "must be a file" },
    { title: "a file that nobody writes", argv: ["--config", FIFO], complaint: "must be a file" },
    { title: "a file that isn't there", argv: ["--config", "/nowhere/at/all"], complaint: "ENOENT" },
  ]),
  ...numbered("C4", [
    { title: "Redis by flag", argv: ["--redis", `redis://:${PASSWORD}@h`], complaint: "--redis", secret: PASSWORD },
    {
      title: "Redis by variable",
      env: { RINGCAST_REDIS_URL: `redis://:${PASSWORD}@h` },
      complaint: "REDIS",
      secret: PASSWORD,
    },
    { title: "Redis in the file", file: `{"redis":"redis://:${PASSWORD}@h"}`, complaint: "redis", secret: PASSWORD },
    {
      title: "a token that no header carries",
      env: { RINGCAST_TOKEN: `${PASSWORD} x` },
      complaint: "visible ASCII",
      secret: PASSWORD,
    },
    { title: "a token of the wrong type", file: `{"token":["${PASSWORD}"]}`, complaint: "token", secret: PASSWORD },
    {
      title: "a token that is too long",
      env: { RINGCAST_TOKEN: PASSWORD.repeat(200) },
      complaint: "at most 4096",
      secret: PASSWORD,
    },
  ]),
];
