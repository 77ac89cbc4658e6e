/**
 * The hub's certificate while it runs: read at the start, and again when its files change or the operator says so. A renewal that
 * can't be used is logged and changes nothing.
 */
import { unwatchFile, watchFile } from "node:fs";
import { RingcastError } from "@ringcast/protocol";
import type { Config } from "./config/index.js";
import type { Runtime, Timer } from "./runtime/index.js";
import type { Logger } from "./telemetry/index.js";
import { isSameTls, readTlsFiles, type TlsFiles, type Transport } from "./transport/index.js";

/** Looking at the files works where notifications don't: links that are exchanged, network file systems. */
const LOOK_EVERY_MS = 2_000;
/** Certificate and key are written one after the other: a pair that fits is there a moment later. */
const SETTLE_MS = 1_000;

type Names = Pick<Config, "tlsCert" | "tlsKey">;

export class Certificate {
  readonly #log: Logger;
  readonly #runtime: Runtime;
  #files: TlsFiles;
  #transport: Transport | undefined;
  #timer: Timer | undefined;

  private constructor(files: TlsFiles, runtime: Runtime, log: Logger) {
    this.#files = files;
    this.#runtime = runtime;
    this.#log = log;
  }

  /**
   * @returns undefined where the hub speaks no TLS
   * @throws RingcastError `bad_request` with `details.field`: a file that can't be used
   */
  static read({ tlsCert, tlsKey }: Names, runtime: Runtime, log: Logger): Certificate | undefined {
    if (tlsCert === "") return undefined;
    const certificate = new Certificate(readTlsFiles(tlsCert, tlsKey, runtime.nowMs()), runtime, log);
    certificate.#warn();
    return certificate;
  }

  get files(): TlsFiles {
    return this.#files;
  }

  /** Looks after the files from now on, and gives what it finds to the transport. */
  watch(transport: Transport): void {
    this.#transport = transport;
    for (const file of this.#names()) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, this.#changed);
    // What changed between the reading of a file and the first look at it would go unnoticed.
    this.#changed();
  }

  /**
   * Takes the files of these names, if they hold something else than before.
   * @throws RingcastError `bad_request` with `details.field`; the old certificate holds on then
   */
  renew({ tlsCert, tlsKey }: Names): void {
    const files = readTlsFiles(tlsCert, tlsKey, this.#runtime.nowMs());
    if (isSameTls(files, this.#files)) return;
    this.#transport?.renewTls(files);
    this.#unwatch();
    this.#files = files;
    this.#warn();
    if (this.#transport !== undefined) this.watch(this.#transport);
    const expires = new Date(files.expiresMs).toISOString();
    this.#log.info({ certificate: files.certFile, expires }, "new connections get a new certificate");
  }

  close(): void {
    this.#timer?.cancel();
    this.#unwatch();
    this.#transport = undefined;
  }

  readonly #changed = (): void => {
    this.#timer?.cancel();
    this.#timer = this.#runtime.setTimer(SETTLE_MS, () => this.#renewOrKeep());
  };

  #renewOrKeep(): void {
    const { certFile, keyFile } = this.#files;
    try {
      this.renew({ tlsCert: certFile, tlsKey: keyFile });
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      this.#log.error(error.details, `${error.message} The hub goes on with the certificate it has.`);
    }
  }

  #unwatch(): void {
    for (const file of this.#names()) unwatchFile(file, this.#changed);
  }

  #names(): readonly string[] {
    return [this.#files.certFile, this.#files.keyFile];
  }

  #warn(): void {
    for (const warning of this.#files.warnings) this.#log.warn({}, warning);
  }
}
