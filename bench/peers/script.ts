/** Servers of Node that are measured: bundled first, so that no loader runs in the process that is measured. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Posting, RunningPeer } from "./peer.js";
import { PeerProcess } from "./process.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Inside the tree, so that what a server imports is found. */
const BUNDLES = fileURLToPath(new URL("../../.cache/", import.meta.url));

/**
 * @param name of a file of servers/, which prints `port N` when it listens on 127.0.0.1
 * @param wire its URL; undefined: it is reached over HTTP only
 */
export async function startServer(name: string, wire?: string): Promise<RunningPeer> {
  mkdirSync(BUNDLES, { recursive: true });
  const bundles = mkdtempSync(join(BUNDLES, "peer-"));
  const outfile = join(bundles, `${name}.mjs`);
  try {
    await build({
      entryPoints: [join(HERE, "servers", `${name}.ts`)],
      outfile,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
      logLevel: "warning",
    });
    const server = await PeerProcess.start({
      program: process.execPath,
      args: () => [outfile],
      ready: ({ output }) => /^port (\d+)$/m.exec(output)?.[1],
    });
    return running(server, Number(server.ready), wire);
  } finally {
    // Node has read it.
    rmSync(bundles, { recursive: true });
  }
}

function running(server: PeerProcess<string>, port: number, wire: string | undefined): RunningPeer {
  return {
    pid: server.pid,
    target: (ability) => {
      if (wire === undefined) throw new Error("It is reached over HTTP only.");
      return { host: "127.0.0.1", port, wire, wireOptions: { ability } };
    },
    post: () => postingTo(port),
    stop: () => server.stop(),
  };
}

function postingTo(port: number): Posting {
  return { url: `http://127.0.0.1:${port}/`, headers: { "content-type": "text/plain" } };
}

/** @returns version of a package that is installed and can be loaded by this Node */
export function packageVersion(name: string): string | undefined {
  // uWebSockets.js has no binary for newer ones; its manifest is not among what it exports.
  const script = `await import(${JSON.stringify(name)})`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: HERE });
  if (status !== 0) return undefined;
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const manifest = places.map((place) => join(place, name, "package.json")).find((path) => existsSync(path));
  if (manifest === undefined) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
