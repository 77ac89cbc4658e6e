/**
 * A trie of levels: holds topic names or patterns, and finds those that match without looking at the others.
 */
interface Node<T> {
  value: T | undefined;
  children: Map<string, Node<T>> | undefined;
}

const ONE_LEVEL = "*";
const REST = ">";

export class LevelTrie<T> {
  readonly #root: Node<T> = { value: undefined, children: undefined };

  get(name: string): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (const level of name.split(".")) node = node?.children?.get(level);
    return node?.value;
  }

  set(name: string, value: T): void {
    let node = this.#root;
    for (const level of name.split(".")) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) node.children.set(level, (child = { value: undefined, children: undefined }));
      node = child;
    }
    node.value = value;
  }

  /** Removes a name and the branches that only it needed. Harmless when it isn't there. */
  delete(name: string): void {
    prune(this.#root, name.split("."), 0);
  }

  /** Visits the values whose names are patterns that match this topic. */
  eachPatternOf(topic: string, visit: (value: T) => void): void {
    visitPatterns(this.#root, topic.split("."), 0, visit);
  }

  /** Visits the values whose names are topics that this pattern matches. Names of the hub's own only if its first level is that literal. */
  eachMatchOf(pattern: string, visit: (value: T) => void): void {
    visitMatches(this.#root, pattern.split("."), 0, visit);
  }
}

function prune<T>(node: Node<T>, levels: readonly string[], depth: number): void {
  const level = levels[depth];
  if (level === undefined) {
    node.value = undefined;
    return;
  }
  const child = node.children?.get(level);
  if (child === undefined) return;
  prune(child, levels, depth + 1);
  if (child.value === undefined && child.children === undefined) node.children?.delete(level);
  if (node.children?.size === 0) node.children = undefined;
}

function visitPatterns<T>(node: Node<T>, levels: readonly string[], depth: number, visit: (value: T) => void): void {
  const level = levels[depth];
  if (level === undefined) {
    if (node.value !== undefined) visit(node.value);
    return;
  }
  const { children } = node;
  if (children === undefined) return;
  const literal = children.get(level);
  if (literal !== undefined) visitPatterns(literal, levels, depth + 1, visit);
  if (depth === 0 && level.startsWith("$")) return;
  const one = children.get(ONE_LEVEL);
  if (one !== undefined) visitPatterns(one, levels, depth + 1, visit);
  const rest = children.get(REST);
  if (rest?.value !== undefined) visit(rest.value);
}

function visitMatches<T>(node: Node<T>, levels: readonly string[], depth: number, visit: (value: T) => void): void {
  const level = levels[depth];
  if (level === undefined) {
    if (node.value !== undefined) visit(node.value);
    return;
  }
  const { children } = node;
  if (children === undefined) return;
  if (level !== ONE_LEVEL && level !== REST) {
    const literal = children.get(level);
    if (literal !== undefined) visitMatches(literal, levels, depth + 1, visit);
    return;
  }
  for (const [name, child] of children) {
    if (depth === 0 && name.startsWith("$")) continue;
    if (level === REST) visitAll(child, visit);
    else visitMatches(child, levels, depth + 1, visit);
  }
}

function visitAll<T>(node: Node<T>, visit: (value: T) => void): void {
  if (node.value !== undefined) visit(node.value);
  for (const child of node.children?.values() ?? []) visitAll(child, visit);
}
