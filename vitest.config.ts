import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Begun first, so that none of them runs alone at the end. */
const LONGEST = [
  "release/image",
  "release/packages",
  "soak/simulation",
  "soak/fuzz",
  "e2e/browser",
  "e2e/cli",
  "simulation/seeds",
  "release/backup",
  "release/persist",
  "contract/transport/uws",
  "contract/transport/ws",
  "integration/sdk-reading",
  "integration/lifecycle",
  "integration/flow-control",
];
/** Those with the longest files come first; those of a kind stand together, as a worker serves one of them at a time. */
const PROJECTS = [
  "release",
  "soak",
  "search",
  "e2e",
  "integration",
  "hostile",
  "fault",
  "mocking",
  "simulation",
  "property",
  "contract",
  "unit",
];

class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    // Within a project as measured the last time; by size where nothing was.
    const files = await super.sort(specifications);
    return files.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId, project }: TestSpecification): number {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return rank === -1 ? LONGEST.length + PROJECTS.indexOf(project.name) : rank;
}

/** Those of test/soak that measure nothing but what they find: seeds, inputs and deaths by the thousand. */
const SEARCHES = ["autobahn", "fuzz", "log-every-byte", "log-kill", "simulated-disk", "simulation"].map(
  (name) => `test/soak/${name}.test.ts`,
);

/** Those of test/fault that replace a module of the platform. */
const MOCKING = ["network-file-system", "refusal", "storage"].map((name) => `test/fault/log/${name}.test.ts`);

/** Seeds and inputs leave much garbage that is young: room for it saves a tenth of their time or more. */
const ROOM_FOR_YOUNG = ["--max-semi-space-size=32"];

interface ProjectOptions {
  readonly timeoutMs?: number;
  /** Loads everything anew for each file: only where files replace modules of the platform, since it doubles the CPU time. */
  readonly isolate?: boolean;
  /** More set-up, before all of its files. */
  readonly setup?: string;
  /** The test files; all of the folder of that name by default. */
  readonly files?: readonly string[];
  readonly except?: readonly string[];
  /** Concurrent tests of a file that run at once; 5 by default. */
  readonly concurrency?: number;
  /** Flags of the node that runs them. */
  readonly nodeOptions?: readonly string[];
  /** Files at once, and behind which others; as many as there are workers, and at once with the other projects, by default. */
  readonly atOnce?: { readonly workers: number; readonly group: number };
}

function project(name: string, options: ProjectOptions = {}) {
  return {
    resolve: { conditions: ["source"] },
    ssr: { resolve: { conditions: ["source"] } },
    test: {
      name,
      include: [...(options.files ?? [`test/${name}/**/*.test.ts`])],
      exclude: [...(options.except ?? [])],
      environment: "node",
      pool: "forks",
      isolate: options.isolate ?? false,
      testTimeout: options.timeoutMs ?? 10_000,
      hookTimeout: 30_000,
      maxConcurrency: options.concurrency ?? 5,
      ...(options.nodeOptions === undefined ? {} : { execArgv: [...options.nodeOptions] }),
      ...(options.atOnce === undefined
        ? {}
        : { maxWorkers: options.atOnce.workers, sequence: { groupOrder: options.atOnce.group } }),
      globalSetup: ["test/support/global-setup.ts", ...(options.setup === undefined ? [] : [options.setup])],
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project("unit", { timeoutMs: 20_000 }),
      project("property", { timeoutMs: 60_000 }),
      project("contract", { timeoutMs: 60_000 }),
      project("integration", { timeoutMs: 30_000 }),
      project("hostile", { timeoutMs: 60_000 }),
      project("e2e", { timeoutMs: 60_000 }),
      project("fault", { timeoutMs: 60_000, except: MOCKING }),
      project("mocking", { timeoutMs: 60_000, isolate: true, files: MOCKING }),
      // The hub in a world of its own: virtual time, a model of the disk, a model of the network.
      project("simulation", { timeoutMs: 60_000, nodeOptions: ROOM_FOR_YOUNG }),
      // Not a part of `npm test`. What is handed out: `npm run test:release`.
      project("release", { timeoutMs: 120_000 }),
      // Many faults, one after the other, and the table of what they cost: `npm run test:faults`.
      // One file after the other, as most of them measure; then those that don't.
      project("soak", {
        timeoutMs: 60_000,
        setup: "test/soak/global-setup.ts",
        except: SEARCHES,
        // Those that are concurrent do nothing but wait.
        concurrency: 10,
        atOnce: { workers: 1, group: 1 },
      }),
      project("search", {
        timeoutMs: 60_000,
        setup: "test/soak/global-setup.ts",
        files: SEARCHES,
        nodeOptions: ROOM_FOR_YOUNG,
        atOnce: { workers: Math.max(2, availableParallelism()), group: 2 },
      }),
    ],
    // Most tests wait for processes and sockets: twice as many as the smallest machine has cores.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    reporters: ["default"],
    // The projects have the same sources: what one has transformed the others take from here.
    experimental: { fsModuleCache: true, fsModuleCachePath: ".cache/vitest" },
  },
});
