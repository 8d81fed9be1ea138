/** Copies inputs that can be read only once, standard input and HTTP addresses, into files of a temporary folder. */
import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { AppError } from "../../schema/model/errors.ts";
import { shown } from "../../schema/model/shown.ts";

/** Argument that names standard input. */
const STANDARD_INPUT = "-";
const ADDRESS = /^https?:\/\//i;
/** Larger inputs are refused: their copies would fill the disk. */
const MAX_BYTES = 64 * 1024 ** 3;
/** How long an address may send nothing. */
const SILENCE_MS = 30_000;
/** How many bytes at its beginning name standard input: as many as a file's fingerprint covers. */
const HEAD_BYTES = 64 * 1024;

export interface CopiedInputs extends AsyncDisposable {
  /** The paths as given; an input that was copied has its name: its address without credentials, `standard input …`. */
  readonly paths: readonly string[];
  /** Where the copies are, by name. */
  readonly copies: ReadonlyMap<string, string>;
}

export interface InputOptions {
  readonly stdin: Readable;
  readonly signal: AbortSignal;
  readonly maxBytes?: number;
  readonly silenceMs?: number;
}

type Limits = Required<Pick<InputOptions, "maxBytes" | "silenceMs">>;

/** Copies the stream to the path. Returns a short hash of its beginning. */
async function copyTo(
  path: string,
  stream: AsyncIterable<Uint8Array>,
  { name, maxBytes, onBytes }: { name: string; maxBytes: number; onBytes: () => void },
): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of stream) {
    onBytes();
    if (bytes < HEAD_BYTES) hash.update(chunk.subarray(0, HEAD_BYTES - bytes));
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new AppError(
        `Cannot read ${name}: it must be at most ${maxBytes} bytes; store it in a file and read that`,
        {
          code: "too_large",
        },
      );
    }
    await file.writeFile(chunk);
  }
  return hash.digest("hex").slice(0, 8);
}

/** Returns the name of the copy. */
async function copyStandardInput(path: string, { stdin, signal, maxBytes }: InputOptions & Limits): Promise<string> {
  // Without a listener, an abort before the first read would end the process.
  const input = addAbortSignal(signal, stdin).on("error", () => {});
  return `standard input ${await copyTo(path, input, { name: "standard input", maxBytes, onBytes: () => {} })}`;
}

/** Returns the name of the copy. */
async function copyAddress(given: string, path: string, options: InputOptions & Limits): Promise<string> {
  if (!URL.canParse(given)) {
    throw new AppError(`FILE must be a path, an address such as http://node:9400/metrics, or -, got ${shown(given)}`, {
      code: "invalid",
    });
  }
  const address = new URL(given);
  const { username, password } = address;
  address.username = "";
  address.password = "";
  const name = address.href;
  const silence = new AbortController();
  const { silenceMs, signal, maxBytes } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onBytes = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error(`no answer for ${silenceMs / 1000} s`)), silenceMs);
  };
  onBytes();
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const headers = username === "" ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
    const answer = await fetch(name, { headers, signal: AbortSignal.any([signal, silence.signal]) });
    if (!answer.ok || answer.body === null) throw new Error(`the server answers ${answer.status} ${answer.statusText}`);
    await copyTo(path, answer.body, { name, maxBytes, onBytes });
    return name;
  } catch (error) {
    if (error instanceof AppError || signal.aborted) throw error;
    const why = silence.signal.aborted ? (silence.signal.reason as Error) : (error as Error);
    throw new AppError(`Cannot read ${name}: ${why.message}`, { code: "unavailable", cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function copyAll(given: readonly string[], options: InputOptions & Limits): Promise<CopiedInputs> {
  await using undo = new AsyncDisposableStack();
  const copies = new Map<string, string>();
  let folder: string | undefined;
  const paths: string[] = [];
  for (const [index, path] of given.entries()) {
    if (path !== STANDARD_INPUT && !ADDRESS.test(path)) {
      paths.push(path);
      continue;
    }
    if (folder === undefined) {
      const made = await mkdtemp(join(tmpdir(), "gpu-telemetry-"));
      undo.defer(() => rm(made, { recursive: true, force: true }));
      folder = made;
    }
    const copy = join(folder, String(index));
    const name = await (path === STANDARD_INPUT ? copyStandardInput(copy, options) : copyAddress(path, copy, options));
    copies.set(name, copy);
    paths.push(name);
  }
  const all = undo.move();
  return { paths, copies, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/**
 * Copies those of the paths that are `-` or addresses; without any, makes no folder. Dispose it to remove the copies.
 * Returns null once the signal aborts.
 * @throws AppError `invalid` for a malformed address, `unavailable` if one cannot be read, `too_large`
 */
export const copyInputs = (given: readonly string[], options: InputOptions): Promise<CopiedInputs | null> =>
  copyAll(given, { maxBytes: MAX_BYTES, silenceMs: SILENCE_MS, ...options }).catch((error: unknown) => {
    if (options.signal.aborted) return null;
    throw error;
  });
