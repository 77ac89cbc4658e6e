/** Somebody guesses tokens from an address of the network: after a handful it has to wait, whatever door it knocks at (J33). Needs root, for a network of its own. */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";
import { addRow, NOTHING } from "./rows.js";

const isRoot = process.getuid?.() === 0;
/** Of the block that RFC 5737 keeps for examples: nobody else is in that network. */
const HUB = "192.0.2.1";
const OTHER = "192.0.2.2";
const TOKEN = "0123456789abcdef0123456789abcdef";
const GUESSES = 30;

const NETWORK = `ip link set lo up && ip addr add ${HUB}/32 dev lo && ip addr add ${OTHER}/32 dev lo && exec "$@"`;
/** Guesses from one address, then asks with the right token from it and from another. Prints the statuses. */
const GUESSER = `
  const { request } = require("node:http");
  const ask = (localAddress, token) => new Promise((resolve, reject) => request(
    { host: "${HUB}", port: 7447, path: "/v1/topics", localAddress, agent: false, headers: { authorization: "Bearer " + token } },
    (response) => { response.resume(); resolve([response.statusCode, Number(response.headers["retry-after"] ?? 0)]); },
  ).on("error", reject).end());
  (async () => {
    const guesses = [];
    for (let n = 0; n < ${GUESSES}; n++) guesses.push(await ask("${HUB}", "guess" + n));
    const right = [await ask("${HUB}", "${TOKEN}"), await ask("${OTHER}", "${TOKEN}")];
    console.log(JSON.stringify({ guesses, right }));
  })();
`;

describe.runIf(isRoot)("guessing tokens", () => {
  it("slows down the address that guesses, and no other", async () => {
    using folder = tempDir();
    const args = ["serve", "--host", HUB, "--port", "7447", "--data", join(folder.path, "data")];
    const command = ["--net", "/bin/sh", "-c", NETWORK, "sh", process.execPath, inject("launcher"), ...args];
    const hub = spawn("unshare", command, { env: { ...process.env, RINGCAST_TOKEN: TOKEN }, stdio: "pipe" });
    let output = "";
    hub.stdout.on("data", (text: Buffer) => (output += text.toString()));
    hub.stderr.on("data", (text: Buffer) => (output += text.toString()));
    try {
      await until("the hub listens", () => output.includes("ringcast listening"), 20_000);
      const inside = [`--net=/proc/${String(hub.pid)}/ns/net`, process.execPath, "-e", GUESSER];
      const { guesses, right } = JSON.parse(execFileSync("nsenter", inside, { encoding: "utf8" })) as {
        guesses: [number, number][];
        right: [number, number][];
      };

      const refused = guesses.filter(([status]) => status === 401).length;
      addRow({
        fault: "hostile: guessed tokens (J33)",
        cycles: 1,
        operations: GUESSES,
        acknowledged: 1,
        delivered: 0,
        ...NOTHING,
      });
      // Time forgives: an eleventh may be heard.
      expect([10, 11]).toContain(refused);
      expect(guesses.slice(refused).every(([status, retryAfter]) => status === 429 && retryAfter >= 1)).toBe(true);
      expect(right.map(([status]) => status)).toEqual([429, 200]);
      expect(output).not.toContain(TOKEN);
    } finally {
      hub.kill("SIGKILL");
    }
  });
});
