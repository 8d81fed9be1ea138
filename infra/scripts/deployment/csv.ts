/** `CSV=path`: a file or a folder of the user's, looked at before anything is touched, then put where the pods read it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DCGM_HEADER, parseDcgmHeader } from "../../../schema/dcgm/row.ts";
import { clusterNodes } from "./cluster.ts";
import { kubectl, type Place } from "./place.ts";
import type { Shell } from "./shell.ts";
import { Trouble } from "./trouble.ts";

export interface CsvData {
  /** Never empty. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** The same for the same content. */
  readonly hash: string;
}

const NAME = /\.(csv|csv\.gz|csv\.zst)$/;
const COPY_MS = 30 * 60_000;
const COMMAND_MS = 60_000;
const MIB = 1024 ** 2;
/** Of every file, the part by which its content is known; with its length and time. */
const HEAD_BYTES = 64 * 1024;
/** On a node. */
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

/** @throws Trouble that shows what was expected and what is there */
async function checkHeader(path: string): Promise<void> {
  const line = await firstLine(path).catch((error: Error) => {
    throw new Trouble(`CSV: ${path} cannot be read: ${error.message}`, { cause: error });
  });
  const names = line.split(",").map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
  const header = parseDcgmHeader(names);
  if (header.ok) return;
  throw new Trouble(`CSV: the first line of ${path} is not a header we know: ${header.error}
  there:    ${line.slice(0, 200)}
  expected: ${DCGM_HEADER}, in any order`);
}

async function headOf(path: string): Promise<Uint8Array> {
  await using handle = await open(path, "r");
  const head = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  return head.subarray(0, bytesRead);
}

/**
 * A file, or a folder with some.
 * @throws Trouble when there is nothing to read, or its header is not one of DCGM's exports
 */
export async function readCsv(path: string): Promise<CsvData> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new Trouble(`CSV: there is no ${path}`);
  const files = found.isDirectory()
    ? (await readdir(path))
        .filter((name) => NAME.test(name))
        .sort()
        .map((name) => resolve(path, name))
    : [resolve(path)];
  if (files.length === 0) throw new Trouble(`CSV: folder ${path} holds no .csv, .csv.gz or .csv.zst file`);
  const hash = createHash("sha256");
  let bytes = 0;
  for (const file of files) {
    if (!NAME.test(file)) throw new Trouble(`CSV: ${file}: accepted are names that end in .csv, .csv.gz or .csv.zst`);
    const { size, mtimeMs } = await stat(file);
    if (size === 0) throw new Trouble(`CSV: ${file} is empty`);
    await checkHeader(file);
    bytes += size;
    hash.update(`${basename(file)} ${size} ${mtimeMs}\n`).update(await headOf(file));
  }
  return { files, bytes, hash: hash.digest("hex").slice(0, 12) };
}

export const describeCsv = ({ files, bytes }: CsvData): string =>
  `${files.length === 1 ? basename(files[0]!) : `${files.length} files`}, ${(bytes / MIB).toFixed(1)} MiB`;

/**
 * A ConfigMap holds 1 MiB and a release's own record no more than that, so files of any size go onto the nodes, and the
 * pods get them as a volume claim: that is what the restricted pod security standard allows.
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

/** @returns the name of the claim */
export async function placeCsv(shell: Shell, place: Place, data: CsvData): Promise<string> {
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
    // Whatever they are on this machine: the streamer reads as a user of its own.
    await inNode("chmod", "-R", "a+rX", folder);
    await inNode("touch", join(folder, ".complete"));
  }
  const apply = kubectl(place, "apply", "--server-side", "--filename", "-");
  await shell.run(apply, { timeoutMs: COMMAND_MS, input: volumeManifests(data, nodes, place) });
  return name;
}

/** What earlier runs have placed and no pod reads any more. */
export async function forgetOtherCsv(shell: Shell, place: Place, kept: CsvData | null): Promise<void> {
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
