/** What a run must not ask the platform for, or it would not be the same again. Node's own code runs between events as well, and asks for none of it. */

interface Forbidden {
  readonly owner: object;
  readonly name: string;
}

const FORBIDDEN: readonly Forbidden[] = [
  ...["setTimeout", "setInterval", "setImmediate"].map((name) => ({ owner: globalThis, name })),
  { owner: Date, name: "now" },
  { owner: performance, name: "now" },
  { owner: Math, name: "random" },
  { owner: crypto, name: "getRandomValues" },
  { owner: crypto, name: "randomUUID" },
];

/** Takes the platform's clock, timers and randomness away. @returns gives them back */
export function forbidPlatform(): () => void {
  const before = FORBIDDEN.map(({ owner, name }) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    const value = (): never => {
      throw new Error(`${name} is asked for in the midst of a simulation`);
    };
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    return { owner, name, own };
  });
  return () => {
    for (const { owner, name, own } of before) {
      if (own === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, own);
    }
  };
}
