/** `CSV=path`: checks the user's file or folder before anything changes, then copies it to where the pods read it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DCGM_HEADER, parseDcgmHeader } from "../../../../schema/dcgm/columns.ts";
import { kubectl, type Place } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import { Trouble } from "../run/trouble.ts";
import { clusterNodes } from "./cluster.ts";

export interface CsvData {
  /** Never empty. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Identifies the content: names, sizes, modification times and the first 64 KiB of all files. */
  readonly hash: string;
}

const NAME = /\.(csv|csv\.gz|csv\.zst)$/;
const COPY_MS = 30 * 60_000;
const COMMAND_MS = 60_000;
const MIB = 1024 ** 2;
/** Bytes of each file that go into the hash. */
const HEAD_BYTES = 64 * 1024;
/** On a node; holds one folder per hash. */
const FOLDER = "/var/local/gpu-telemetry";
const LABEL = "gpu-telemetry/csv";

async function firstLine(path: string): Promise<string> {
  const file = createReadStream(path);
  const unpacked = path.endsWith(".gz")
    ? file.pipe(createGunzip())
    : path.endsWith(".zst")
      ? file.pipe(createZstdDecompress())
      : file;
  const failed = new Promise<never>((_, reject) => {
    file.on("error", reject);
    unpacked.on("error", reject);
  });
  const read = async () => {
    for await (const line of createInterface({ input: unpacked })) return line.replace(/^\uFEFF/, "");
    return "";
  };
  try {
    return await Promise.race([read(), failed]);
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

/** What to type next: the same command would fail again. */
const NEXT = [
  "just up CSV=exports/     # a .csv, .csv.gz or .csv.zst file, or a folder with such files",
  "just up                  # without CSV: the sample fleet",
];

const refused = (message: string, cause?: unknown): Trouble => new Trouble(message, { next: NEXT, cause });

/** @throws Trouble if the first line is not the header of a DCGM export */
async function checkHeader(path: string): Promise<void> {
  const line = await firstLine(path).catch((error: Error) => {
    throw refused(`CSV file ${path} cannot be read: ${error.message}`, error);
  });
  const names = line.split(",").map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
  const header = parseDcgmHeader(names);
  if (header.ok) return;
  throw refused(`CSV file ${path}, line 1 must be the header of a DCGM export: ${header.error}
  got:      ${line.slice(0, 200)}
  accepted: ${DCGM_HEADER}, in any order`);
}

async function headOf(path: string): Promise<Uint8Array> {
  await using handle = await open(path, "r");
  const head = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  return head.subarray(0, bytesRead);
}

/**
 * Checks a file, or all CSV files of a folder.
 *
 * @throws Trouble if no file exists, or one is empty, unreadable or without the header of a DCGM export
 */
export async function readCsv(path: string): Promise<CsvData> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw refused(`CSV must be an existing file or folder, got ${path}`);
  const files = found.isDirectory()
    ? (await readdir(path))
        .filter((name) => NAME.test(name))
        .sort()
        .map((name) => resolve(path, name))
    : [resolve(path)];
  if (files.length === 0)
    throw refused(`CSV must be a folder with .csv, .csv.gz or .csv.zst files, got ${path} without any`);
  const hash = createHash("sha256");
  let bytes = 0;
  for (const file of files) {
    if (!NAME.test(file)) throw refused(`CSV must be a file that ends in .csv, .csv.gz or .csv.zst, got ${file}`);
    const { size, mtimeMs } = await stat(file);
    if (size === 0) throw refused(`CSV file ${file} must not be empty`);
    await checkHeader(file);
    bytes += size;
    hash.update(`${basename(file)} ${size} ${mtimeMs}\n`).update(await headOf(file));
  }
  return { files, bytes, hash: hash.digest("hex").slice(0, 12) };
}

export const describeCsv = ({ files, bytes }: CsvData): string =>
  `${files.length === 1 ? basename(files[0]!) : `${files.length} files`}, ${(bytes / MIB).toFixed(1)} MiB`;

/**
 * Returns the manifests of a namespace, a volume on the nodes and the claim for that volume. The files are copied to
 * the nodes because a ConfigMap, like the record of a Helm release, holds at most 1 MiB. Pods mount the claim because
 * the restricted pod security standard forbids host paths.
 */
function volumeManifests({ hash, bytes }: CsvData, nodes: readonly string[], { namespace }: Place): string {
  const name = `csv-${hash}`;
  const common = { metadata: { name, labels: { [LABEL]: hash } } };
  const storage = `${Math.max(1, Math.ceil(bytes / MIB))}Mi`;
  const access = { accessModes: ["ReadOnlyMany"], storageClassName: "", volumeMode: "Filesystem" };
  const terms = [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: nodes }] }];
  const volume = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    ...common,
    spec: {
      ...access,
      capacity: { storage },
      local: { path: join(FOLDER, name) },
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace },
      persistentVolumeReclaimPolicy: "Retain",
    },
  };
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { ...common.metadata, namespace },
    spec: { ...access, volumeName: name, resources: { requests: { storage } } },
  };
  const space = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  return [space, volume, claim].map((object) => `${JSON.stringify(object)}\n`).join("");
}

/** Copies the files to every node that lacks them and applies the claim. */
export async function placeCsv(shell: Shell, place: Place, data: CsvData): Promise<void> {
  const name = `csv-${data.hash}`;
  const folder = join(FOLDER, name);
  const nodes = await clusterNodes(shell);
  for (const node of nodes) {
    const isThere = await shell.ask(["docker", "exec", node, "test", "-e", join(folder, ".complete")]);
    if (isThere?.code === 0) continue;
    const inNode = (...words: string[]) => shell.run(["docker", "exec", node, ...words], { timeoutMs: COMMAND_MS });
    await inNode("mkdir", "-p", folder);
    for (const file of data.files)
      await shell.run(["docker", "cp", file, `${node}:${folder}/`], { timeoutMs: COPY_MS });
    // The streamer runs as another user than the owner of the files on this machine.
    await inNode("chmod", "-R", "a+rX", folder);
    await inNode("touch", join(folder, ".complete"));
  }
  const apply = kubectl(place, "apply", "--server-side", "--filename", "-");
  await shell.run(apply, { timeoutMs: COMMAND_MS, input: volumeManifests(data, nodes, place) });
}

/** Deletes the claims, volumes and files of earlier runs, except those of `kept`. */
export async function deleteOtherCsv(shell: Shell, place: Place, kept: CsvData | null): Promise<void> {
  const selector = `${LABEL}${kept === null ? "" : `,${LABEL}!=${kept.hash}`}`;
  const outcome = await shell.ask(
    kubectl(place, "get", "persistentvolumeclaims", "--selector", selector, "--output", "name"),
  );
  const claims = outcome?.code === 0 ? outcome.stdout.split("\n").filter((line) => line !== "") : [];
  if (claims.length === 0) return;
  const remove = kubectl(
    place,
    "delete",
    "persistentvolumeclaims,persistentvolumes",
    "--selector",
    selector,
    "--wait=false",
  );
  await shell.run(remove, { timeoutMs: COMMAND_MS });
  for (const node of await clusterNodes(shell)) {
    const folders = claims.map((claim) => join(FOLDER, claim.replace(/^.*\//, "")));
    await shell.run(["docker", "exec", node, "rm", "-rf", ...folders], { timeoutMs: COMMAND_MS });
  }
}
