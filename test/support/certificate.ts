/** Certificates for tests, made on the spot: each its own authority, for localhost and 127.0.0.1. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";

export interface TestCertificate {
  /** PEM; what a client takes for its authority. */
  readonly cert: string;
  readonly key: string;
}

/** @param name common name, by which a test tells it from others */
export async function makeCertificate(name: string, endsAt?: Date): Promise<TestCertificate> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ...(endsAt === undefined ? {} : { notBeforeDate: new Date(endsAt.getTime() - 86_400_000), notAfterDate: endsAt }),
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { cert, key };
}

/** Writes certificate and key where a hub finds them. */
export function writeCertificate(
  folder: string,
  { cert, key }: TestCertificate,
): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, "hub.crt"), join(folder, "hub.key")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile };
}
