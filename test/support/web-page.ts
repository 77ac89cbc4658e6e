/** A page made of one TypeScript program, served on an origin of its own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

export interface WebPage extends AsyncDisposable {
  /** e.g. `http://127.0.0.1:40123` */
  readonly origin: string;
}

/** Bundles a program as an application's tools would, in development mode, and serves it with an empty body around it. */
export async function serveProgram(path: string): Promise<WebPage> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["source", "browser", "development"],
    define: { "process.env.NODE_ENV": '"development"' },
    write: false,
  });
  const program = outputFiles[0]?.text ?? "";
  const server = createServer(({ url }, response) => {
    const isProgram = url === "/program.js";
    response.writeHead(200, { "Content-Type": isProgram ? "text/javascript" : "text/html" });
    response.end(
      isProgram ? program : '<!doctype html><div id="root"></div><script type="module" src="/program.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
