/** Bundles the SDK's browser entry as it ships. Sizes in bytes. */
export function measureSdk(): Promise<{ readonly minified: number; readonly gzipped: number; readonly code: string }>;
