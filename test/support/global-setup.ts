/** Runs once per project: transpiles the sources, so that hub processes started by tests run them as they stand. All projects of a run share what the first one has made. */
import { mkdirSync, rmSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import {
  CHROMIUM,
  CURL,
  IPROUTE2,
  PYTHON_MSGPACK,
  LIBFAKETIME,
  STRACE,
  TASKSET,
  XFSPROGS,
  ensureProgram,
} from "./system-packages.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const NEEDS_A_HUB = new Set(["integration", "hostile", "e2e", "fault", "soak", "release"]);

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the launcher of the transpiled hub. */
    launcher: string;
  }
}

/** Each project has a copy of this module; the process is the same. */
const inThisProcess = globalThis as { ringcastBuild?: Promise<string> };

let cleanUp: (() => void) | undefined;

export async function setup(project: TestProject): Promise<void> {
  if (!NEEDS_A_HUB.has(project.name)) return;
  if (project.name === "e2e") ensureProgram(CHROMIUM);
  if (project.name === "hostile") ensureProgram(CURL);
  if (project.name === "release") [CHROMIUM, CURL, PYTHON_MSGPACK].forEach(ensureProgram);
  if (project.name === "soak") [CURL, STRACE, TASKSET, XFSPROGS, LIBFAKETIME, IPROUTE2].forEach(ensureProgram);
  const { buildForTests } = await import("../../build.mjs");
  const folder = join(ROOT, ".cache", `build-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  inThisProcess.ringcastBuild ??= buildForTests(folder);
  project.provide("launcher", await inThisProcess.ringcastBuild);
  cleanUp = () => {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  };
}

export function teardown(): void {
  cleanUp?.();
}
