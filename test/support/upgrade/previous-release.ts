/** The sources of the previous release. Upgrade tests run its processes together with those of this release. */
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { PROGRAMS, type Role } from "../programs/distributed.ts";
import { BUN, ROOT } from "../programs/process.ts";

/** The last commit whose processes read and write version 1 alone. */
const COMMIT = "3da9fcb446295369ccdd7f19d90aa318ebf8a584";

export interface PreviousRelease extends AsyncDisposable {
  /** Programs by role, as in `PROGRAMS`. */
  readonly programs: Readonly<Record<Role, string>>;
  /** Returns the absolute path of a file of the release. */
  file(path: string): string;
  /** Loads a module of the release into this process. */
  load<T>(path: string): Promise<T>;
}

async function run(command: readonly string[], cwd: string): Promise<{ readonly ok: boolean; readonly text: string }> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, problem] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { ok: (await child.exited) === 0, text: out + problem };
}

async function demand(command: readonly string[], cwd: string): Promise<void> {
  const { ok, text } = await run(command, cwd);
  if (!ok) throw new Error(`${command.join(" ")} must succeed, got ${text.trim().slice(-500)}`);
}

/** A shallow clone does not have the commit; its origin does. */
async function findCommit(): Promise<void> {
  const isHere = () => run(["git", "cat-file", "-e", `${COMMIT}^{commit}`], ROOT);
  if ((await isHere()).ok) return;
  const { text } = await run(["git", "fetch", "--depth=1", "origin", COMMIT], ROOT);
  if ((await isHere()).ok) return;
  throw new Error(
    `The sources of the previous release, commit ${COMMIT}, must be in this repository or its origin, got ${text.trim()}; run git fetch --unshallow`,
  );
}

const textOf = (path: string): Promise<string> => Bun.file(path).text();

/** Unpacks the release into a temporary folder. It shares this checkout's packages if the lockfile is the same. */
export async function openPreviousRelease(): Promise<PreviousRelease> {
  await findCommit();
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const archive = join(folder.path, "sources.tar");
  await demand(["git", "archive", "--format=tar", "-o", archive, COMMIT], ROOT);
  await demand(["tar", "-xf", archive], folder.path);
  if ((await textOf(join(folder.path, "bun.lock"))) === (await textOf(join(ROOT, "bun.lock")))) {
    await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"), "dir");
  } else {
    await demand([BUN, "install", "--frozen-lockfile"], folder.path);
  }
  const file = (path: string) => join(folder.path, path);
  const owned = opened.move();
  return {
    programs: {
      streamer: file(PROGRAMS.streamer),
      queueService: file(PROGRAMS.queueService),
      collector: file(PROGRAMS.collector),
    },
    file,
    load: (path) => import(pathToFileURL(file(path)).href),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
