/** Types of build.mjs, for the tests that use it. */
export declare function buildAll(): Promise<void>;
export declare function updateAll(): Promise<void>;
export declare function buildForTests(folder: string): Promise<string>;
export declare function bundleSdk(outfile: string): Promise<void>;
