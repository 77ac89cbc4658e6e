/** Why a file can't be used as a log at all; the store sets it aside. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/** The `code` of a system error, the empty string for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
