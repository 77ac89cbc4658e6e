/** The Dockerfile's own steps, carried out in an empty folder; what they make is started, asked for its health and stopped as Docker would. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage, type Image } from "../support/dockerfile.js";
import { tempDir, type TempDir } from "../support/temp-dir.js";
import { until, within } from "../support/until.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const TOKEN = "docker-token-of-more-than-thirty-two-characters";
const MAX_IMAGE_MIB = 64;
/** To install everything twice and compile it, and to remove it again, on a busy machine. */
const BUILD_TIMEOUT_MS = 240_000;

describe("the image", { timeout: 60_000 }, () => {
  let folder: TempDir;
  let image: Image;
  let port: string;

  beforeAll(async () => {
    folder = tempDir("ringcast-image-");
    chmodSync(folder.path, 0o755);
    image = buildImage(ROOT, folder.path);
    port = String(await freePort());
  }, BUILD_TIMEOUT_MS);
  afterAll(() => {
    folder[Symbol.dispose]();
  }, BUILD_TIMEOUT_MS);

  /** The environment and user that a container would have. */
  function options(env: Readonly<Record<string, string>>) {
    return { cwd: image.workdir, env: { ...image.env, RINGCAST_PORT: port, ...env }, ...image.user };
  }

  function health(): number | null {
    const [program = "", ...args] = image.healthcheck;
    return spawnSync(program, args, options({ RINGCAST_TOKEN: TOKEN })).status;
  }

  test("holds production dependencies and what was built, nothing else", () => {
    expect(readdirSync(image.workdir).sort()).toEqual([
      ".npmrc",
      "LICENSE",
      "client-sdk",
      "node_modules",
      "package-lock.json",
      "package.json",
      "protocol",
      "server",
    ]);
    const modules = readdirSync(join(image.workdir, "node_modules"));
    expect(modules).toEqual(expect.arrayContaining(["koffi", "lmdb", "pino", "uWebSockets.js", "ws"]));
    for (const other of ["typescript", "esbuild", "vitest", "react", "idb"]) expect(modules).not.toContain(other);
    expect(readdirSync(join(image.workdir, "node_modules/uWebSockets.js/dist/bin")).length).toBeLessThanOrEqual(1);
    expect(existsSync(join(image.workdir, "server/src"))).toBe(false);
    expect(mebibytes(image.workdir)).toBeLessThan(MAX_IMAGE_MIB);
  });

  test("refuses to start without a token, and says which variable to set", () => {
    const [program = "", ...args] = image.command;
    const { status, stderr } = spawnSync(program, args, options({}));
    expect(status).toBe(2);
    expect(String(stderr)).toMatch(/token/i);
  });

  test("serves as an ordinary user, is well, and ends with 0 at its stop signal", async () => {
    const [program = "", ...args] = image.command;
    const hub = spawn(program, args, options({ RINGCAST_TOKEN: TOKEN }));
    const ended = new Promise<number | null>((resolve) => hub.once("exit", resolve));
    try {
      await listening(hub);
      expect(health()).toBe(0);
      const answer = await fetch(`http://127.0.0.1:${port}/v1/topics/t/messages`, {
        method: "POST",
        headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
        body: '{"data":1}',
      });
      expect(answer.status).toBe(201);
      expect(image.volumes).toEqual([join(image.root, "data")]);
      expect(readdirSync(join(image.root, "data"))).not.toEqual([]);
      // env(1) of the launcher makes way for node, so that the signal reaches the hub itself.
      expect(readFileSync(`/proc/${String(hub.pid)}/cmdline`, "utf8")).toMatch(/^[^\0]*node\0/);
    } finally {
      hub.kill(image.stopSignal);
    }
    expect(await within("the hub to stop", ended, 20_000)).toBe(0);
    expect(health()).toBe(1);
  });
});

async function listening(hub: ChildProcess): Promise<void> {
  let output = "";
  let errors = "";
  hub.stdout?.on("data", (bytes) => (output += String(bytes)));
  hub.stderr?.on("data", (bytes) => (errors += String(bytes)));
  await until(
    "the hub listens",
    () => {
      if (hub.exitCode !== null) throw new Error(`The hub ended with ${hub.exitCode}:\n${errors}`);
      return output.includes("ringcast listening on ");
    },
    20_000,
  );
}

function mebibytes(folder: string): number {
  const { stdout } = spawnSync("du", ["-sm", folder], { encoding: "utf8" });
  return Number.parseInt(stdout, 10);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
