/** What the tests need beyond npm: looked for, installed through apt where we may, otherwise named aloud. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface SystemPackage {
  /** Name of the Debian package. */
  readonly name: string;
  /** Places where its program may be. */
  readonly programs: readonly string[];
  /** Python module that the program has to find, where the package brings a module. */
  readonly module?: string;
}

export const CHROMIUM: SystemPackage = {
  name: "chromium",
  programs: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
};

export const CURL: SystemPackage = { name: "curl", programs: ["/usr/bin/curl", "/usr/local/bin/curl"] };

/** Debian's own Python: another one on the path knows nothing of Debian's modules. */
export const PYTHON_MSGPACK: SystemPackage = {
  name: "python3-msgpack",
  programs: ["/usr/bin/python3"],
  module: "msgpack",
};

/** Kills a process, or fails a call of it, at a chosen system call. */
export const STRACE: SystemPackage = { name: "strace", programs: ["/usr/bin/strace"] };

/** Makes a file system of the kind XFS. */
export const XFSPROGS: SystemPackage = { name: "xfsprogs", programs: ["/usr/sbin/mkfs.xfs", "/sbin/mkfs.xfs"] };

/** Has a process see another wall clock. */
export const LIBFAKETIME: SystemPackage = {
  name: "libfaketime",
  programs: ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
};

/** Gives a network namespace an address. */
export const IPROUTE2: SystemPackage = { name: "iproute2", programs: ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"] };

/** Keeps a process on a core. */
export const TASKSET: SystemPackage = { name: "util-linux", programs: ["/usr/bin/taskset", "/bin/taskset"] };

/** Path of the program, undefined where it isn't installed. */
export function programOf(wanted: SystemPackage): string | undefined {
  return wanted.programs.find((path) => existsSync(path) && hasModule(path, wanted.module));
}

function hasModule(python: string, module: string | undefined): boolean {
  return module === undefined || spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;
}

/**
 * Makes sure that a program is there. As root on Debian it is installed; elsewhere the tests that need it are skipped, which is
 * said aloud.
 *
 * @throws Error on continuous integration, where nothing may be skipped
 */
export function ensureProgram(wanted: SystemPackage): void {
  if (programOf(wanted) !== undefined) return;
  const reason = installByApt(wanted.name);
  if (programOf(wanted) !== undefined) return;
  const sentence = `Tests that need ${wanted.name} are skipped: ${reason}; install it with: apt-get install ${wanted.name}`;
  if (process.env["CI"] === "true") throw new Error(sentence);
  console.warn(`\n  ${sentence}\n`);
}

/** @returns why it may not have worked */
function installByApt(name: string): string {
  if (!existsSync("/etc/debian_version")) return "this is not Debian";
  if (process.getuid?.() !== 0) return "only root may install packages";
  console.warn(`\n  Installing ${name} through apt, once…\n`);
  try {
    const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } } as const;
    execFileSync("apt-get", ["update", "-qq"], options);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], options);
    return "apt-get installed nothing that we know";
  } catch (error) {
    return `apt-get failed (${error instanceof Error ? error.message : String(error)})`;
  }
}
