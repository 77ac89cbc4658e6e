/** The names in the folders of the model: as processes see them, and as the storage device has them. */
import { dirname } from "node:path";
import type { Random } from "../../support/random.js";
import type { Fate, SimulatedFile } from "./simulated-file.js";

/** Entries that change together; undefined: gone. */
interface NameChange {
  readonly sequence: number;
  readonly entries: readonly (readonly [path: string, file: SimulatedFile | undefined])[];
}

export class SimulatedNames {
  readonly #now = new Map<string, SimulatedFile>();
  readonly #onDevice = new Map<string, SimulatedFile>();
  /** By folder, oldest first. */
  readonly #pending = new Map<string, NameChange[]>();
  #sequence = 0;

  get(path: string): SimulatedFile | undefined {
    return this.#now.get(path);
  }

  /** Paths in the order of their making. */
  paths(): string[] {
    return [...this.#now.keys()];
  }

  files(): Set<SimulatedFile> {
    return new Set([...this.#now.values(), ...this.#onDevice.values()]);
  }

  put(path: string, file: SimulatedFile): void {
    this.#change([[path, file]]);
  }

  remove(path: string): void {
    if (this.#now.has(path)) this.#change([[path, undefined]]);
  }

  /** Both names change together, as rename(2) promises. */
  rename(from: string, to: string): void {
    this.#change([
      [from, undefined],
      [to, this.#now.get(from)],
    ]);
  }

  /** @returns what {@link endSync} wants */
  beginSync(): number {
    return this.#sequence;
  }

  endSync(folder: string, through: number): void {
    const pending = this.#pending.get(folder) ?? [];
    for (const change of pending) if (change.sequence <= through) apply(this.#onDevice, change);
    this.#pending.set(
      folder,
      pending.filter(({ sequence }) => sequence > through),
    );
  }

  /** A file system brings changes of names to the device in their order: the device has the first of them, or all. */
  cutPower(random: Random, fate: Fate): void {
    for (const pending of this.#pending.values()) {
      const kept = fate === "lost" ? 0 : fate === "kept" ? pending.length : random.below(pending.length + 1);
      for (const change of pending.slice(0, kept)) apply(this.#onDevice, change);
    }
    this.#pending.clear();
    this.#now.clear();
    for (const [path, file] of this.#onDevice) this.#now.set(path, file);
  }

  #change(entries: NameChange["entries"]): void {
    const change = { sequence: ++this.#sequence, entries };
    apply(this.#now, change);
    const folder = dirname((entries[0] as NameChange["entries"][number])[0]);
    const pending = this.#pending.get(folder);
    if (pending === undefined) this.#pending.set(folder, [change]);
    else pending.push(change);
  }
}

function apply(names: Map<string, SimulatedFile>, { entries }: NameChange): void {
  for (const [path, file] of entries) {
    if (file === undefined) names.delete(path);
    else names.set(path, file);
  }
}
