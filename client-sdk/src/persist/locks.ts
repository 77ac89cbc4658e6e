/** Locks that die with the page that holds them, over Web Locks. */

/** Lets go of a lock; harmless the second time. */
export type Release = () => void;

/** @returns undefined where another page holds it */
export function tryLock(name: string): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => hold(lock, resolve)).catch(reject);
  });
}

/**
 * Waits until no other page holds the lock.
 * @throws AbortError (as a rejection) where the signal comes first
 */
export function waitForLock(name: string, signal: AbortSignal | undefined): Promise<Release> {
  return new Promise((resolve, reject) => {
    const options = signal === undefined ? {} : { signal };
    navigator.locks
      .request(name, options, (lock) => hold(lock, (release) => resolve(release as Release)))
      .catch(reject);
  });
}

/** A lock is held until the promise given to the platform resolves. */
function hold(lock: Lock | null, got: (release: Release | undefined) => void): Promise<void> | undefined {
  if (lock === null) {
    got(undefined);
    return undefined;
  }
  return new Promise<void>((resolve) => got(resolve));
}
