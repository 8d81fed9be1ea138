/** Certificates of connections: whose are trusted, and which one this side shows. */
import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";

/** Paths of PEM files. */
export interface TlsConfig {
  readonly caFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  /** True: certificates of servers are not checked. */
  readonly isInsecure: boolean;
}

/** Returns the options of a request. Files are read for each one, because they are replaced before they expire. */
export async function tlsOptions({
  caFile,
  certificateFile,
  keyFile,
  isInsecure,
}: TlsConfig): Promise<Pick<RequestOptions, "rejectUnauthorized" | "ca" | "cert" | "key">> {
  const read = async (name: string, path: string | undefined) =>
    path === undefined ? {} : { [name]: await readFile(path, "utf8") };
  return {
    rejectUnauthorized: !isInsecure,
    ...(await read("ca", caFile)),
    ...(await read("cert", certificateFile)),
    ...(await read("key", keyFile)),
  };
}
