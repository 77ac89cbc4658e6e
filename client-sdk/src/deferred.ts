/** A promise together with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** @param options.quiet a rejection that nobody waits for is no unhandled one */
export function createDeferred<T>(options?: { readonly quiet: true }): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  if (options?.quiet) promise.catch(() => undefined);
  return { promise, resolve, reject };
}
