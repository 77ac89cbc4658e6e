import { chmodSync, writeFileSync } from "node:fs";
import { connect } from "node:tls";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { makeCertificate, writeCertificate, type TestCertificate } from "../support/certificate.js";
import { runRingcast, startHub, type TestHub } from "../support/hub.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

// Each has a hub of its own; that files have changed is noticed after seconds.
describe.concurrent("a hub with a certificate", () => {
  it("serves the SDK, the health check and a page of its own over TLS, and tells when the certificate ends", async () => {
    using folder = tempDir();
    await using secure = await startSecure(folder.path);
    const { hub, certFile, certificate } = secure;
    const env = { NODE_EXTRA_CA_CERTS: certFile };
    expect(hub.url).toMatch(/^https:/);
    expect(await runRingcast(["health", "--ready", "--url", hub.url], { env })).toMatchObject({ code: 0 });
    expect(await runRingcast(["pub", "t", '{"n":1}', "--url", hub.url], { env })).toMatchObject({ code: 0 });
    const read = await runRingcast(["sub", "t", "--from", "earliest", "--count", "1", "--url", hub.url], { env });
    expect(read.stdout).toContain('{"n":1}');
    const page = new WebSocket(hub.wsUrl, { ca: certificate.cert, origin: hub.url });
    await new Promise((resolve, reject) => page.once("open", resolve).once("error", reject));
    page.terminate();
    const metrics = await fetchText(hub, certificate, "/metrics");
    expect(metrics).toMatch(/^ringcast_tls_certificate_expiry_timestamp_seconds \d{10}$/m);
  });

  it("takes over a certificate whose files change, and keeps the old one when the new one is broken", async () => {
    using folder = tempDir();
    await using secure = await startSecure(folder.path);
    const { hub, certFile } = secure;
    const [errors, renewals] = [/hub\.crt holds no certificate/, /new connections get a new certificate/];
    writeFileSync(certFile, "-----BEGIN CERTIFICATE-----\nbroken");
    await until("the broken file is told", () => errors.test(hub.output().stderr));
    expect(await nameServed(hub)).toBe("first");
    writeCertificate(folder.path, await makeCertificate("second"));
    await until("the renewal is told", () => renewals.test(hub.output().stderr));
    expect(await nameServed(hub)).toBe("second");
  });

  it("warns of a key that others can read, and of a certificate that has expired", async () => {
    using folder = tempDir();
    await using secure = await startSecure(folder.path, { endsAt: new Date(Date.now() - 60_000), keyMode: 0o644 });
    expect(secure.hub.output().stderr).toMatch(/chmod 600/);
    expect(secure.hub.output().stderr).toMatch(/has expired/);
  });

  it("ends with exit code 2 for files that can't be used", async () => {
    using folder = tempDir();
    const { certFile, keyFile } = writeCertificate(folder.path, await makeCertificate("first"));
    const missing = join(folder.path, "missing.pem");
    const serve = (cert: string, key: string) =>
      runRingcast(["serve", "--port", "0", "--tls-cert", cert, "--tls-key", key], { cwd: folder.path });
    const [first, second] = await Promise.all([serve(missing, keyFile), serve(certFile, certFile)]);
    expect([first.code, first.stderr]).toEqual([2, expect.stringMatching(/missing\.pem of tlsCert can't be read/)]);
    expect([second.code, second.stderr]).toEqual([2, expect.stringMatching(/is no key in PEM/)]);
  });
});

interface SecureHub extends AsyncDisposable {
  readonly hub: TestHub;
  readonly certFile: string;
  readonly certificate: TestCertificate;
}

async function startSecure(folder: string, options: { endsAt?: Date; keyMode?: number } = {}): Promise<SecureHub> {
  const certificate = await makeCertificate("first", options.endsAt);
  const { certFile, keyFile } = writeCertificate(folder, certificate);
  if (options.keyMode !== undefined) chmodSync(keyFile, options.keyMode);
  const hub = await startHub({ args: ["--tls-cert", certFile, "--tls-key", keyFile] });
  return { hub, certFile, certificate, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

function nameServed(hub: TestHub): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: hub.port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

function fetchText(hub: TestHub, { cert }: TestCertificate, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: hub.port, ca: cert }, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${hub.port}\r\nConnection: close\r\n\r\n`);
    });
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    socket.once("error", reject).once("end", () => resolve(text));
  });
}
