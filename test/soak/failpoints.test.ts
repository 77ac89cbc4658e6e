/**
 * The hub dies at each system call that touches its directory, once; and each of these calls fails, once. Afterwards everything that was acknowledged is
 * there, and nothing that wasn't.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomOf } from "../support/random.js";
import type { CallFault, SystemCall } from "../support/strace.js";
import { STRACE, programOf } from "../support/system-packages.js";
import { tempDir } from "../support/temp-dir.js";
import { Stage, type Outcome, type Start } from "./failpoints/stage.js";
import { addRow, NOTHING, spreadOf } from "./rows.js";
import { cycles, SEED } from "./scale.js";

const STARTS: readonly Start[] = ["an empty directory", "a stopped hub's directory", "a killed hub's directory"];
/** Of each stage; the long run does all of them. */
const [KILLS, FAILURES] = [cycles(4, Infinity), cycles(4, Infinity)];
/** Part of the name of the only points to look at, such as `mapped: EIO at fdatasync`. */
const ONLY = process.env["RINGCAST_FAILPOINT"];
const AT_ONCE = 2;
/** Of the points chosen, so many are really come to. */
const MOST_DONE = 0.75;
const POINT_MS = 30_000;

/** How a call fails on a machine whose disk, handles or memory are at an end. */
const ERRORS: Readonly<Record<string, readonly CallFault[]>> = {
  mkdir: ["ENOSPC"],
  openat: ["EMFILE", "EIO"],
  flock: ["ENOLCK"],
  ftruncate: ["EIO"],
  fallocate: ["ENOSPC"],
  mmap: ["ENOMEM"],
  pwrite64: ["ENOSPC", "EIO"],
  pwritev: ["ENOSPC", "EIO"],
  writev: ["ENOSPC", "EIO"],
  write: ["ENOSPC", "EIO"],
  fsync: ["EIO"],
  fdatasync: ["EIO"],
  rename: ["EIO"],
  unlink: ["EIO"],
};

interface Point {
  readonly name: string;
  readonly call: SystemCall;
  readonly fault: CallFault;
}

describe.skipIf(programOf(STRACE) === undefined)(`failpoints (RINGCAST_SEED=${SEED})`, () => {
  describe.each(["mapped", "file"] as const)("in a %s region", (region) => {
    it.each([
      { title: "dies at a call", count: KILLS, faultsOf: (): CallFault[] => ["SIGKILL"] },
      { title: "has a call fail", count: FAILURES, faultsOf: ({ name }: SystemCall) => ERRORS[name] ?? [] },
    ])(
      "$title",
      async ({ title, count, faultsOf }) => {
        using folder = tempDir();
        const outcomes: (Outcome & { readonly where: string })[] = [];
        for (const [number, start] of STARTS.entries()) {
          const stage = new Stage({ start, region, folder: join(folder.path, String(number)) });
          await stage.prepare();
          const points = (await stage.calls()).flatMap((call) =>
            faultsOf(call).map((fault) => ({ call, fault, name: nameOf(stage, call, fault) })),
          );
          outcomes.push(...(await playAll(stage, sample(points, count))));
        }

        addPointsRow(`failpoints: ${title}, ${region}`, outcomes);
        expect(outcomes.flatMap(({ where, findings }) => findings.map(({ what }) => `${where}: ${what}`))).toEqual([]);
        // A log is copied beside the work, now in more pieces and now in fewer.
        expect(outcomes.filter(({ isDone }) => isDone).length).toBeGreaterThanOrEqual(outcomes.length * MOST_DONE);
      },
      STARTS.length * Math.min(KILLS, 2_000) * POINT_MS,
    );
  });
});

function nameOf(stage: Stage, { name, path, nth }: SystemCall, fault: CallFault): string {
  return `${stage.name}: ${fault} at ${name} ${path} #${nth}`;
}

/** Chosen by the seed; calls that are made seldom as often as those that are made all the time. */
function sample(points: readonly Point[], count: number): Point[] {
  if (ONLY !== undefined) return points.filter(({ name }) => name.includes(ONLY));
  const random = randomOf(SEED);
  const left = [...points];
  const chosen: Point[] = [];
  while (chosen.length < count && left.length > 0) {
    const name = random.pick([...new Set(left.map(({ call }) => call.name))]);
    const point = random.pick(left.filter(({ call }) => call.name === name));
    left.splice(left.indexOf(point), 1);
    chosen.push(point);
  }
  return chosen;
}

async function playAll(stage: Stage, points: readonly Point[]): Promise<(Outcome & { readonly where: string })[]> {
  const outcomes: (Outcome & { readonly where: string })[] = [];
  const backlog = [...points];
  const work = async (name: string): Promise<void> => {
    for (let point = backlog.shift(); point !== undefined; point = backlog.shift()) {
      outcomes.push({ ...(await stage.play(point.call, point.fault, name)), where: point.name });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(`worker-${worker}`)));
  return outcomes;
}

function addPointsRow(fault: string, outcomes: readonly Outcome[]): void {
  const counted = { ...NOTHING };
  for (const { heading } of outcomes.flatMap(({ findings }) => findings)) counted[heading]++;
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, outcome) => all + of(outcome), 0);
  const recoveryMs = spreadOf(outcomes.map(({ restartMs }) => restartMs));
  addRow({
    fault,
    cycles: outcomes.filter(({ isDone }) => isDone).length,
    operations: sum(({ operations }) => operations),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    delivered: sum(({ delivered }) => delivered),
    ...counted,
    ...(recoveryMs === undefined ? {} : { recoveryMs }),
  });
}
