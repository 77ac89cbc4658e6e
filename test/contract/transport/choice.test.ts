import { describe, expect, it } from "vitest";
import { createTransport, type TransportChoice } from "../../../server/src/transport/index.js";
import { optionsOfRig } from "./rig.js";

const major = Number(process.versions.node.split(".")[0]);
const header = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
const hasGlibc = header.glibcVersionRuntime !== undefined;
const hasUws = hasGlibc && (major === 20 || major === 22);

describe("the choice of a transport", () => {
  it(`is ${hasUws ? "uws" : "ws"} by itself on Node ${major} ${hasGlibc ? "with" : "without"} glibc`, async () => {
    expect((await create("auto")).name).toBe(hasUws ? "uws" : "ws");
  });

  it("is ws when asked for", async () => {
    expect((await create("ws")).name).toBe("ws");
  });
});

function create(choice: TransportChoice): ReturnType<typeof createTransport> {
  return createTransport(choice, optionsOfRig, {
    handshake: () => ({ accept: false, status: 403, headers: {}, body: "" }),
    request: () => {},
    refused: () => {},
  });
}
