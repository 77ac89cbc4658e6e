import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

interface ProjectOptions {
  readonly timeoutMs?: number;
  /** Loads everything anew for each file: only where files replace modules of the platform, since it doubles the CPU time. */
  readonly isolate?: boolean;
}

function project(name: string, options: ProjectOptions = {}) {
  return {
    resolve: { conditions: ["source"] },
    ssr: { resolve: { conditions: ["source"] } },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: "node",
      pool: "forks",
      isolate: options.isolate ?? false,
      testTimeout: options.timeoutMs ?? 10_000,
      hookTimeout: 30_000,
      globalSetup: ["test/support/global-setup.ts"],
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project("unit"),
      project("property", { timeoutMs: 30_000 }),
      project("contract", { timeoutMs: 20_000 }),
      project("integration", { timeoutMs: 30_000 }),
      project("e2e", { timeoutMs: 60_000 }),
      project("fault", { timeoutMs: 60_000, isolate: true }),
    ],
    // Most tests wait for processes and sockets: one more than the smallest machine has cores.
    maxWorkers: Math.max(3, availableParallelism()),
    reporters: ["default"],
  },
});
