/** The reference pages that are made from tables in the sources. */
import { configurationPage } from "../config/index.js";
import { errorsPage } from "./errors-page.js";

/** File in docs/ and what stands in it. */
export const REFERENCE_PAGES: readonly { readonly file: string; readonly text: () => string }[] = [
  { file: "configuration.md", text: configurationPage },
  { file: "errors.md", text: errorsPage },
];
