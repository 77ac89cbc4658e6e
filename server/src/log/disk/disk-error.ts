/** Why a file can't be used as a log at all; the store sets it aside. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** The `code` of a system error, the empty string for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Whether the process has no more file handles or mappings to be given: letting go of some makes room. */
export function isExhausted(error: unknown): boolean {
  return ["EMFILE", "ENFILE", "ENOMEM"].includes(codeOf(error));
}
