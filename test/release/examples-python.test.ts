/** The Python examples as they stand in examples/python, against a hub of the test's own: only the port is another. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ask, askJson } from "../support/http-request.js";
import { startHub } from "../support/hub.js";
import { PYTHON_MSGPACK, programOf } from "../support/system-packages.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const examples = join(root, "examples/python");
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };

const python = programOf(PYTHON_MSGPACK);
/** The set-up has said aloud when they are skipped. */
const describeInPython = python === undefined ? describe.skip : describe;

/** Starts a copy of the subscriber in a folder, where it keeps its position. */
function subscribe(folder: string, port: number) {
  const source = readFileSync(join(examples, "subscriber.py"), "utf8").replace("127.0.0.1:7447", `127.0.0.1:${port}`);
  writeFileSync(join(folder, "subscriber.py"), source);
  const child = spawn(python ?? "", ["subscriber.py", "greetings"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  const started = {
    /** Whole ones: what was printed may come in pieces. */
    get lines(): string[] {
      return output.split("\n").slice(0, -1);
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    [Symbol.asyncDispose]: () => started.kill(),
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  return started;
}

const MESSAGES = "/v1/topics/greetings/messages";

describeInPython("the Python examples", () => {
  it("agree with the test vectors", () => {
    const checked = spawnSync(python ?? "", ["check_vectors.py", join(root, "protocol/vectors.json")], {
      cwd: examples,
      env,
    });
    expect(String(checked.stderr)).toBe("");
    expect(String(checked.stdout)).toContain("all vectors agree");
  });

  it("print every content type, and go on exactly when they or the hub were killed", async () => {
    using folder = tempDir();
    await using node = await startHub();
    {
      await using first = subscribe(folder.path, node.port);
      await askJson(node, "POST", MESSAGES, { data: { hello: "wörld" }, key: "k", headers: { a: "b" } });
      await ask(node, MESSAGES, { method: "POST", headers: { "Content-Type": "text/plain" }, body: "text" });
      await ask(node, MESSAGES, {
        method: "POST",
        headers: { "Content-Type": "application/msgpack" },
        body: Uint8Array.of(0x91, 7),
      });
      await until("all have arrived", () => first.lines.length === 3);
      expect(first.lines).toEqual(['0/0 {"hello": "wörld"}', '0/1 "text"', "0/2 [7]"]);
      // The position is written after the line: killed in between, the line would rightly come again.
      const position = join(folder.path, "position.json");
      await until("the position is kept", () => readFileSync(position, "utf8").includes('"offset": 3'));
    }
    await askJson(node, "POST", MESSAGES, { messages: [{ data: 3 }, { data: 4 }] });
    await using second = subscribe(folder.path, node.port);
    await until("what was missed has arrived", () => second.lines.length === 2);
    await node.kill();
    await node.restart();
    await askJson(node, "POST", MESSAGES, { data: 5 });
    await until("what came after the hub's death has arrived", () => second.lines.length === 3);
    expect(second.lines).toEqual(["0/3 3", "0/4 4", "0/5 5"]);
  });

  it("say what is lost", async () => {
    using folder = tempDir();
    await using node = await startHub();
    await askJson(node, "POST", MESSAGES, { data: 1 });
    await using reader = subscribe(folder.path, node.port);
    await until("the first has arrived", () => reader.lines.length === 1);
    await ask(node, "/v1/topics/greetings", { method: "DELETE" });
    await askJson(node, "POST", MESSAGES, { data: "again" });
    await until("the topic made anew is followed", () => reader.lines.length === 3);
    expect(reader.lines).toEqual(["0/0 1", "gap: 1 to 1 of partition 0 (deleted)", '0/0 "again"']);
  });
});
