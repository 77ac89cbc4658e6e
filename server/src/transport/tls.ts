/**
 * Certificate and key of a hub that speaks TLS: read and judged before any adapter sees them, so that a broken renewal never
 * replaces what works.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { RingcastError } from "@ringcast/protocol";

/** Older versions of TLS are refused by both adapters. */
export const MIN_TLS_VERSION = "TLSv1.2";

/** A certificate that fits its key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** The hub's certificate and those of its issuers, PEM. */
  readonly cert: Buffer;
  /** PEM */
  readonly key: Buffer;
  /** When the hub's certificate ends, milliseconds since 1970. */
  readonly expiresMs: number;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
}

const READABLE_BY_OTHERS = 0o007;

/**
 * @param nowMs what `expiresMs` is compared with
 * @throws RingcastError `bad_request`; `details.field` is the setting to mend, the message names the file and holds nothing of it
 */
export function readTlsFiles(certFile: string, keyFile: string, nowMs: number): TlsFiles {
  const cert = readPem(certFile, "tlsCert");
  const key = readPem(keyFile, "tlsKey");
  const expiresMs = expiryOf(cert, certFile);
  try {
    createSecureContext({ cert, key, minVersion: MIN_TLS_VERSION });
  } catch (error) {
    throw new RingcastError(
      "bad_request",
      `${keyFile} is no key in PEM, without a passphrase, that belongs to the certificate in ${certFile} (${codeOf(error)}).`,
      { field: "tlsKey" },
      { cause: error },
    );
  }
  return { certFile, keyFile, cert, key, expiresMs, warnings: warningsAbout(certFile, keyFile, expiresMs, nowMs) };
}

/** Whether two readings hold the same certificate and key. */
export function isSameTls(one: TlsFiles, other: TlsFiles): boolean {
  const isSameName = one.certFile === other.certFile && one.keyFile === other.keyFile;
  return isSameName && one.cert.equals(other.cert) && one.key.equals(other.key);
}

function readPem(file: string, field: "tlsCert" | "tlsKey"): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const message = `The file ${file} of ${field} can't be read (${codeOf(error)}).`;
    throw new RingcastError("bad_request", message, { field }, { cause: error });
  }
}

function expiryOf(cert: Buffer, file: string): number {
  try {
    return Date.parse(new X509Certificate(cert).validTo);
  } catch (error) {
    const message = `${file} holds no certificate in PEM (${codeOf(error)}).`;
    throw new RingcastError("bad_request", message, { field: "tlsCert" }, { cause: error });
  }
}

function warningsAbout(certFile: string, keyFile: string, expiresMs: number, nowMs: number): string[] {
  const isOpen = process.platform !== "win32" && (statSync(keyFile).mode & READABLE_BY_OTHERS) !== 0;
  return [
    ...(isOpen ? [`Other users of this machine can open ${keyFile}: run chmod 600 on it.`] : []),
    ...(expiresMs < nowMs ? [`The certificate in ${certFile} has expired: clients will refuse it.`] : []),
  ];
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}
