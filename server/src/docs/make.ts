/** `npm run docs`: writes the reference pages into docs/. */
import { writeFileSync } from "node:fs";
import { REFERENCE_PAGES } from "./index.js";

const DOCS = new URL("../../../docs/", import.meta.url);

for (const { file, text } of REFERENCE_PAGES) writeFileSync(new URL(file, DOCS), text());
