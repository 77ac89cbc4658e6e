/** What the system gives the hub no more of: space, file handles, memory, rights, fallocate. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, askJson } from "../support/http-request.js";
import { launch, runRingcast, startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { SmallDisk } from "../support/small-disk.js";
import { tempDir } from "../support/temp-dir.js";
import { until, within } from "../support/until.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

const MIB = 2 ** 20;
/** More logs than there are handles left for. */
const TOPICS = 60;
const SPARE_HANDLES = 30;
/** As `nobody` has it on Debian. */
const NOBODY = "65534";

/** What publishing to many topics, again and again until each has taken a record, has met. */
interface Publishing {
  readonly acknowledged: number;
  /** Sentences with which publishes were refused. */
  readonly refusals: readonly string[];
}

async function publishToAll(client: JsonClient, topics: number): Promise<Publishing> {
  const refusals: string[] = [];
  let acknowledged = 0;
  for (let topic = 0; topic < topics; topic++) {
    await until(`topic ${topic} takes a record`, async () => {
      const reply = await client.request({ op: "publish", topic: `t.${topic}`, data: topic });
      if (reply.op !== "error") return true;
      if (reply.code !== "unavailable") throw new Error(JSON.stringify(reply));
      refusals.push(reply.message);
      return false;
    });
    acknowledged++;
  }
  return { acknowledged, refusals };
}

/** Reads all topics back. @returns how many had no record */
async function missing(client: JsonClient, topics: number): Promise<number> {
  let count = 0;
  for (let topic = 0; topic < topics; topic++) {
    const { messages } = await client.request({ op: "history", topic: `t.${topic}`, from: "earliest" });
    if (messages[0]?.data !== topic) count++;
  }
  return count;
}

function handlesOf(hub: TestHub): number {
  return readdirSync(`/proc/${hub.pid}/fd`).length;
}

describe("a hub that has no more file handles", () => {
  it("lets go of logs that nobody uses, refuses for a moment at most, and loses nothing", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    await using reader = await JsonClient.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", pattern: "t.*" });
    const limit = handlesOf(hub) + SPARE_HANDLES;
    execFileSync("prlimit", ["--pid", String(hub.pid), `--nofile=${limit}:${limit}`]);

    const { acknowledged, refusals } = await publishToAll(client, TOPICS);

    expect(refusals.every((sentence) => sentence.includes("raise the limit of open files"))).toBe(true);
    await reader.messages(TOPICS);
    await hub.kill();
    await hub.restart();
    await using after = await JsonClient.connect(hub.wsUrl);
    const lost = await missing(after, TOPICS);
    const counts = { operations: acknowledged + refusals.length, acknowledged, delivered: TOPICS };
    addRow({ fault: "storage: no file handles", cycles: 1, ...counts, ...NOTHING, lost });
    expect(lost).toBe(0);
  });

  it("leaves half of them to connections, and says so", async () => {
    await using hub = await startHub({ runBy: ["prlimit", "--nofile=1000:1000"] });
    expect(hub.output().stderr).toMatch(/"allowed":500\b.*fewer logs are kept open at once/);
  });
});

describe("a disk that is full to the last byte", () => {
  it("keeps nobody from reading, refuses what is new by name, and can be freed through the hub", async () => {
    using disk = new SmallDisk(12 * MIB);
    await using hub = await startHub({ data: join(disk.path, "data") });
    await using client = await JsonClient.connect(hub.wsUrl);
    const publish = (topic: string, n: number): ReturnType<JsonClient["request"]> =>
      client.request({ op: "publish", topic, data: `${n} `.padEnd(40_000, "x") });
    await publish("kept", 0);
    for (let n = 0; n < 40; n++) await publish("large", n);
    disk.fill();

    const refusal = await refused(async (n) => await publish("kept", n));
    expect(refusal).toMatchObject({ code: "unavailable", details: { stored: "no" } });
    expect(refusal.message).toContain("The disk of the data directory is full");
    // A topic without a file needs no space but the journal's; its first record does.
    const fresh = await client.request({ op: "publish", topic: "fresh", data: 1 });
    expect(fresh).toMatchObject({ op: "error", code: "unavailable" });
    expect((await ask(hub, "/readyz")).status).toBe(503);
    const { messages } = await client.request({ op: "history", topic: "large", from: "earliest" });
    expect(messages.length).toBeGreaterThan(0);
    await using reader = await JsonClient.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic: "kept", from: "earliest" });
    const before = (await client.request({ op: "topic", topic: "kept" })).topic.partitions[0]?.head ?? 0;
    await reader.messages(before);

    const deletion = await ask(hub, "/v1/topics/large", { method: "DELETE" });
    // The journal may have no byte for it either: then it is refused by name, and nothing is half done.
    if (deletion.status !== 204) {
      expect(deletion.status).toBe(503);
      disk.free();
    }
    await until("publishing works again", async () => (await publish("kept", before)).op !== "error", 2_000);
    await until("the hub is ready", async () => (await ask(hub, "/readyz")).status === 200);

    await hub.kill();
    await hub.restart();
    await using after = await JsonClient.connect(hub.wsUrl);
    const { head } = (await after.request({ op: "topic", topic: "kept" })).topic.partitions[0] ?? { head: 0 };
    const counts = { operations: before + 45, acknowledged: before + 41, delivered: before };
    addRow({ fault: "storage: full to the last byte", cycles: 1, ...counts, ...NOTHING, lost: before + 1 - head });
    expect(head).toBe(before + 1);
  });
});

/** Publishes until it is refused. */
async function refused(publish: (n: number) => ReturnType<JsonClient["request"]>): ReturnType<JsonClient["request"]> {
  for (let n = 1; n < 1_000; n++) {
    const reply = await publish(n);
    if (reply.op === "error") return reply;
  }
  throw new Error("The disk was never full.");
}

const MEMORY_GROUPS = "/sys/fs/cgroup/memory";
const hasMemoryGroups = existsSync(join(MEMORY_GROUPS, "memory.limit_in_bytes"));
if (!hasMemoryGroups) console.warn("skipped: a limit of memory needs the control group of version 1");

describe.skipIf(!hasMemoryGroups)("a hub with less memory than its logs", () => {
  it("is held up for a moment at most, is not killed, and loses nothing when it is", async () => {
    const group = join(MEMORY_GROUPS, `ringcast-${process.pid}`);
    mkdirSync(group);
    try {
      await using hub = await startHub();
      writeFileSync(join(group, "memory.limit_in_bytes"), String(192 * MIB));
      writeFileSync(join(group, "cgroup.procs"), String(hub.pid));
      await askJson(hub, "PUT", "/v1/topics/large", { capacityBytes: 512 * MIB });
      await using client = await JsonClient.connect(hub.wsUrl);
      const data = "x".repeat(200_000);
      const count = amount(1_200, 5_000);
      const stalls: number[] = [];
      for (let n = 0; n < count; n++) {
        const from = performance.now();
        const reply = await client.request({ op: "publish", topic: "large", data });
        stalls.push(Math.round(performance.now() - from));
        expect(reply.offset).toBe(n);
      }

      expect(Number(readFileSync(join(group, "memory.max_usage_in_bytes"), "utf8"))).toBeLessThanOrEqual(192 * MIB);
      await hub.kill();
      await hub.restart();
      await using after = await JsonClient.connect(hub.wsUrl);
      const { topic } = await after.request({ op: "topic", topic: "large" });
      const head = topic.partitions[0]?.head ?? 0;
      const recoveryMs = { median: stalls.toSorted((a, b) => a - b)[count >> 1] ?? 0, max: Math.max(...stalls) };
      const counts = { operations: count, acknowledged: count, delivered: 0 };
      addRow({ fault: "storage: little memory", cycles: 1, ...counts, ...NOTHING, lost: count - head, recoveryMs });
      expect(head).toBe(count);
      expect(recoveryMs.max).toBeLessThan(5_000);
    } finally {
      await until("the group is empty", () => isRemoved(group));
    }
  });
});

function isRemoved(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

describe("a hub without fallocate", () => {
  const runBy = [
    ...["strace", "-D", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=fallocate"],
    ...["-e", "inject=fallocate:error=EOPNOTSUPP"],
  ];

  it("refuses publishes with the sentence that helps: --no-mmap does without", async () => {
    using folder = tempDir();
    await using hub = await startHub({ data: folder.path, runBy });
    await using client = await JsonClient.connect(hub.wsUrl);
    const reply = await client.request({ op: "publish", topic: "t", data: 1 });
    expect(reply).toMatchObject({ op: "error", code: "unavailable", details: { stored: "no" } });
    expect(reply.message).toContain("can't reserve space (fallocate)");
    expect(reply.message).toContain("--no-mmap");
    await hub.kill();

    await using without = await startHub({ data: folder.path, runBy, args: ["--no-mmap"] });
    await using again = await JsonClient.connect(without.wsUrl);
    expect(await again.request({ op: "publish", topic: "t", data: 1 })).toMatchObject({ op: "published", offset: 0 });
  });
});

describe("a data directory that can't be used", () => {
  it("is refused with exit code 2 when it can only be read", async () => {
    using folder = tempDir();
    const data = join(folder.path, "data");
    const readOnly = join(folder.path, "read-only");
    await using hub = await startHub({ data });
    await hub.stop();
    mkdirSync(readOnly);
    execFileSync("mount", ["--bind", data, readOnly]);
    execFileSync("mount", ["-o", "remount,bind,ro", readOnly]);
    try {
      const { code, stderr } = await runRingcast(["serve", "--port", "0", "--data", readOnly]);
      expect([code, stderr.includes("EROFS"), stderr.includes("check that it is a directory and its rights")]).toEqual([
        2,
        true,
        true,
      ]);
    } finally {
      execFileSync("umount", [readOnly]);
    }
  });

  it("is refused with exit code 2 when the hub has no right to it", async () => {
    using folder = tempDir();
    const running = launch(["serve", "--port", "0", "--data", join(folder.path, "data")], { runBy: asNobody() });
    expect(await within("the hub to end", running.ended)).toBe(2);
    expect(running.stderr).toContain("EACCES");
  });

  it("serves what it may read when one of its files is somebody else's", async () => {
    using folder = tempDir();
    const data = join(folder.path, "data");
    await using first = await startHub({ data });
    await using client = await JsonClient.connect(first.wsUrl);
    for (const topic of ["mine", "theirs"]) await client.request({ op: "publish", topic, data: topic });
    await first.stop();
    chmodSync(folder.path, 0o755);
    execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, data]);
    execFileSync("chown", ["root:root", join(data, "logs", "t.theirs.0.ring")]);

    await using hub = await startHub({ data, runBy: asNobody() });
    await using again = await JsonClient.connect(hub.wsUrl);
    expect(await again.request({ op: "publish", topic: "mine", data: 2 })).toMatchObject({
      op: "published",
      offset: 1,
    });
    const reply = await again.request({ op: "publish", topic: "theirs", data: 2 });
    expect(reply).toMatchObject({ op: "error", code: "unavailable", details: { stored: "no" } });
    expect(reply.message).toContain("(EACCES)");
  });
});

function asNobody(): string[] {
  return ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
}
