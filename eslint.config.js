import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Rooms that must be able to run on a virtual clock: see server/src/runtime/port.ts. */
const TIMELESS = ["server/src/{log,hub,session,sequencer}/**/*.ts", "client-sdk/src/**/*.ts", "protocol/src/**/*.ts"];
const PLATFORM_TIME = ["setTimeout", "setInterval", "setImmediate", "performance", "queueMicrotask"];

export default defineConfig(
  globalIgnores(["**/dist", "**/node_modules", ".cache", "data", "bench/results"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        // One program for all files: types are worked out once, in half the time of a program for each package.
        project: "./tsconfig.check.json",
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Byte work reads better with these; what they guard against is covered by strict types and tests.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/prefer-literal-enum-member": "off",
      // There is no enum here, and looking for one in every assignment takes a sixth of the time.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/unified-signatures": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      // The one way past noUncheckedIndexedAccess where a loop's bound proves the index.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: TIMELESS,
    rules: {
      "no-restricted-globals": [
        "error",
        ...PLATFORM_TIME.map((name) => ({ name, message: "Take time and turns from the runtime that is handed in." })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Take the time from the runtime that is handed in." },
        { object: "Math", property: "random", message: "Take randomness from the runtime that is handed in." },
      ],
    },
  },
  {
    // The one file of the SDK that may: its runtime over the platform.
    files: ["client-sdk/src/runtime/platform.ts"],
    rules: { "no-restricted-globals": "off", "no-restricted-properties": "off" },
  },
  {
    files: ["bench/**/*.ts", "examples/**/*.ts", "test/**/*.ts", "server/src/cli/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**/*.ts", "bench/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
    },
  },
);
