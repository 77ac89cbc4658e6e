const POLL_MS = 10;

/** Waits until a condition holds, at most `timeoutMs`. For the end of a transport's life only: it polls. */
export async function waitUntil(isDone: () => boolean, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!isDone() && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
