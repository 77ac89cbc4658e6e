/** Entries of the package with their sources for browsers, and the size that each stays under, bytes gzipped. */
export const ENTRIES: readonly { readonly entry: string; readonly source: string; readonly limit: number }[];

/** Bundles an entry as a page's bundler does. Sizes in bytes. */
export function measureSdk(
  source: string,
): Promise<{ readonly minified: number; readonly gzipped: number; readonly code: string }>;
