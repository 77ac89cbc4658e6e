/**
 * Carries out the steps of a Dockerfile in folders of its own, where no Docker daemon is at hand: each stage is a folder that stands for `/`, RUN uses the
 * programs of this machine, and what an image would run is started with the image's user, environment and folder. Knows what our Dockerfile uses.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";

export interface Image {
  /** Folder that stands for `/`. */
  readonly root: string;
  /** Folder to run in. */
  readonly workdir: string;
  /** ENTRYPOINT and CMD together. */
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  readonly stopSignal: NodeJS.Signals;
  readonly volumes: readonly string[];
  /** Undefined where this process can't become another user. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly env: Readonly<Record<string, string>>;
}

interface Stage {
  readonly root: string;
  workdir: string;
  user: string;
  readonly env: Record<string, string>;
  readonly settings: Map<string, string>;
  readonly volumes: string[];
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/**
 * Builds the image.
 *
 * @param context folder with Dockerfile and .dockerignore
 * @param target  empty folder for the stages
 */
export function buildImage(context: string, target: string): Image {
  const ignored = readIgnored(join(context, ".dockerignore"));
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const instruction of parse(readFileSync(join(context, "Dockerfile"), "utf8"))) {
    if (instruction.name === "ARG") continue;
    if (instruction.name === "FROM") {
      const name = / AS (\S+)$/i.exec(instruction.rest)?.[1] ?? "image";
      stage = newStage(join(target, name));
      stages.set(name, stage);
    } else if (stage !== undefined) {
      carryOut(instruction, stage, { context, ignored, stages });
    }
  }
  if (stage === undefined) throw new Error("The Dockerfile has no stage.");
  return toImage(stage);
}

function newStage(root: string): Stage {
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" };
  return { root, workdir: root, user: "0:0", env, settings: new Map(), volumes: [] };
}

function toImage({ root, workdir, user, env, settings, volumes }: Stage): Image {
  const [uid = 0, gid = 0] = user.split(":").map(Number);
  const list = (name: string) => JSON.parse(settings.get(name) ?? "[]") as string[];
  return {
    root,
    workdir,
    command: [...list("ENTRYPOINT"), ...list("CMD")],
    healthcheck: list("HEALTHCHECK"),
    stopSignal: (settings.get("STOPSIGNAL") ?? "SIGTERM") as NodeJS.Signals,
    volumes,
    user: process.getuid?.() === 0 ? { uid, gid } : undefined,
    env,
  };
}

/** Instructions with their continued lines joined; notes and empty lines are left out. */
function parse(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join("\n")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => {
      const match = /^(\w+)\s+(.*)$/.exec(line);
      if (match === null) throw new Error(`This is no instruction: ${line}`);
      return { name: match[1] as string, rest: (match[2] as string).trim() };
    });
}

interface Building {
  readonly context: string;
  readonly ignored: (path: string) => boolean;
  readonly stages: ReadonlyMap<string, Stage>;
}

function carryOut({ name, rest }: Instruction, stage: Stage, building: Building): void {
  switch (name) {
    case "WORKDIR":
      stage.workdir = join(stage.root, rest);
      mkdirSync(stage.workdir, { recursive: true });
      return;
    case "RUN":
      run(rest, stage);
      return;
    case "COPY":
      copy(rest, stage, building);
      return;
    case "ENV":
      for (const [, key, value] of rest.matchAll(/(\w+)=("[^"]*"|\S+)/g)) {
        stage.env[key as string] = inside(
          stage,
          (value as string).replace(/\$(\w+)/g, (_, used) => stage.env[used as string] ?? ""),
        );
      }
      return;
    case "USER":
      stage.user = rest;
      return;
    case "VOLUME":
      stage.volumes.push(join(stage.root, rest));
      return;
    case "HEALTHCHECK":
      stage.settings.set(name, rest.slice(rest.indexOf("CMD ") + "CMD ".length));
      return;
    case "ENTRYPOINT":
    case "CMD":
    case "STOPSIGNAL":
      stage.settings.set(name, rest);
      return;
    case "LABEL":
    case "EXPOSE":
      return;
    default:
      throw new Error(`The instruction ${name} is not known here.`);
  }
}

function run(command: string, stage: Stage): void {
  const options = { cwd: stage.workdir, env: buildEnvironment(stage), encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", command], options);
  if (status !== 0) throw new Error(`RUN ${command} ended with ${String(status)}:\n${stdout}${stderr}`);
}

/** npm takes what its cache has; the rest of the environment is the image's own. */
function buildEnvironment({ env }: Stage): Record<string, string> {
  return { ...env, npm_config_prefer_offline: "true", npm_config_update_notifier: "false" };
}

/** Entries of a value that name a place of the image, as places on this machine. */
function inside({ root }: Stage, value: string): string {
  return value
    .split(":")
    .map((entry) =>
      entry.startsWith("/") && existsSync(join(root, entry)) && entry !== "/" && isOwn(root, entry)
        ? join(root, entry)
        : entry,
    )
    .join(":");
}

function isOwn(root: string, entry: string): boolean {
  return readdirSync(root).includes(entry.split("/")[1] ?? "");
}

function copy(rest: string, stage: Stage, { context, ignored, stages }: Building): void {
  const words = rest.split(/\s+/);
  const flags = new Map(
    words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=") as [string, string]),
  );
  const places = words.filter((word) => !word.startsWith("--"));
  const to = places.pop() ?? "";
  const from = flags.get("from");
  const source = from === undefined ? context : stages.get(from)?.root;
  if (source === undefined) throw new Error(`There is no stage ${String(from)}.`);
  const target = to.startsWith("/") ? join(stage.root, to) : join(stage.workdir, to);
  for (const place of places) {
    const path = join(source, place);
    const isFolder = statSync(path).isDirectory();
    const end = !isFolder && (to.endsWith("/") || places.length > 1) ? join(target, basename(path)) : target;
    const filter = (each: string) => from !== undefined || each === source || !ignored(relative(context, each));
    if (!filter(path)) throw new Error(`.dockerignore leaves out ${place}, which the Dockerfile copies.`);
    cpSync(path, end, { recursive: true, verbatimSymlinks: true, filter });
  }
  const owner = flags.get("chown")?.split(":").map(Number);
  if (owner !== undefined && process.getuid?.() === 0) chownSync(target, owner[0] as number, owner[1] as number);
}

/** The last rule that matches decides, as Docker has it; a rule for a folder holds for all below it. */
function readIgnored(path: string): (path: string) => boolean {
  const rules = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keeps: line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "")) }));
  return (each) => rules.reduce((isIgnored, { keeps, pattern }) => (pattern.test(each) ? !keeps : isIgnored), false);
}

function toPattern(rule: string): RegExp {
  const escaped = rule.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const body = escaped.replace(/\*\*\//g, "(.*/)?").replace(/(?<![.)])\*/g, "[^/]*");
  return new RegExp(`^${body}(/.*)?$`);
}
