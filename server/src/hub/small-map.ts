/**
 * A map for what mostly has one entry, as the subscriptions of a connection do: a `Map` takes 210 bytes for it, this 48. The second entry makes it one.
 */
export class SmallMap<Key, Value> {
  #key: Key | undefined = undefined;
  /** Undefined: there is no entry, or all are in {@link SmallMap.#many}. */
  #value: Value | undefined = undefined;
  #many: Map<Key, Value> | undefined = undefined;

  get size(): number {
    return this.#many?.size ?? (this.#value === undefined ? 0 : 1);
  }

  get(key: Key): Value | undefined {
    return this.#many === undefined ? (this.#key === key ? this.#value : undefined) : this.#many.get(key);
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  /** @param value anything but undefined */
  set(key: Key, value: Value): void {
    if (this.#many === undefined && (this.#value === undefined || this.#key === key)) {
      this.#key = key;
      this.#value = value;
      return;
    }
    this.#many ??= new Map(this);
    this.#many.set(key, value);
    this.#key = this.#value = undefined;
  }

  delete(key: Key): void {
    if (this.#many !== undefined) this.#many.delete(key);
    else if (this.#key === key) this.clear();
  }

  clear(): void {
    this.#key = this.#value = this.#many = undefined;
  }

  /** In the order they were set. Without generators, which take 0.4 KB each time: a connection that comes and goes asks three times. */
  values(): IterableIterator<Value, undefined> {
    if (this.#many !== undefined) return this.#many.values();
    return (this.#value === undefined ? [] : [this.#value]).values();
  }

  /** In the order they were set. */
  [Symbol.iterator](): IterableIterator<[Key, Value], undefined> {
    if (this.#many !== undefined) return this.#many.entries();
    const entries: [Key, Value][] = this.#value === undefined ? [] : [[this.#key as Key, this.#value]];
    return entries.values();
  }
}
