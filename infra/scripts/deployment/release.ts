/** The helm release: brought to what the tree says, and repaired where an earlier try left it half done. */
import { CHART, helm, kubectl, type Place, RELEASE } from "./place.ts";
import type { Shell } from "./shell.ts";
import { Trouble } from "./trouble.ts";
import { watchPods } from "./waiting.ts";

const COMMAND_MS = 90_000;

export interface ReleaseValues {
  readonly image: { readonly repository: string; readonly tag: string; readonly digest?: string };
  /** A claim with CSV files; the sample of the image without. */
  readonly csvClaim?: string;
  /** Of service api-gateway; without it, the service is reachable inside the cluster only. */
  readonly nodePort?: number;
  /** How long its pods may take to become ready. */
  readonly timeoutSeconds: number;
  /** More values; what is above wins. */
  readonly valuesFile?: string;
}

interface Revision {
  readonly revision: number;
  readonly status: string;
}

export async function releaseHistory(shell: Shell, place: Place): Promise<Revision[]> {
  const outcome = await shell.ask(helm(place, "history", RELEASE, "--output", "json"));
  if (outcome === null || outcome.code !== 0) return [];
  return JSON.parse(outcome.stdout) as Revision[];
}

/**
 * helm refuses what was interrupted ("another operation is in progress"), and a first install that failed may have left
 * anything behind.
 * @returns what was done, or null
 */
async function repair(shell: Shell, place: Place): Promise<string | null> {
  const history = await releaseHistory(shell, place);
  const last = history.at(-1);
  if (last === undefined || !/^(failed|pending-|uninstalling)/.test(last.status)) return null;
  const good = history.findLast(({ status }) => status === "deployed" || status === "superseded");
  if (good === undefined) {
    // The volumes stay, and so does the Secret with the passwords that what is in them was made with.
    await shell.run(helm(place, "uninstall", RELEASE, "--wait", "--timeout", "60s"), { timeoutMs: COMMAND_MS });
    return `an earlier install was left ${last.status}: removed`;
  }
  if (last.status === "failed") return null;
  // Its record alone: the upgrade that follows brings everything else.
  const secret = `sh.helm.release.v1.${RELEASE}.v${last.revision}`;
  await shell.run(kubectl(place, "delete", "secret", secret), { timeoutMs: COMMAND_MS });
  return `an earlier upgrade was left ${last.status}: revision ${last.revision} forgotten`;
}

/** For clusters that others may be working on: says what is going on in place of repairing it. */
export async function checkIdle(shell: Shell, place: Place): Promise<void> {
  const last = (await releaseHistory(shell, place)).at(-1);
  if (last === undefined || !last.status.startsWith("pending-")) return;
  throw new Trouble(`Release ${RELEASE} is ${last.status}: somebody else deploys, or a deployment was interrupted`, {
    next: [helm(place, "history", RELEASE).join(" "), helm(place, "rollback", RELEASE).join(" ")],
  });
}

/** Resolves when everything is ready. @returns what became of it */
export async function ensureRelease(
  shell: Shell,
  place: Place,
  { image, csvClaim, nodePort, valuesFile, timeoutSeconds }: ReleaseValues,
  note: (line: string) => void,
): Promise<string> {
  const repaired = await repair(shell, place);
  if (repaired !== null) note(repaired);
  const set = {
    "image.repository": image.repository,
    "image.tag": image.tag,
    ...(image.digest === undefined ? {} : { "image.digest": image.digest }),
    ...(csvClaim === undefined ? {} : { "streamer.csv.existingClaim": csvClaim }),
  };
  const values = Object.entries(set).flatMap(([name, value]) => ["--set-string", `${name}=${value}`]);
  const service = "apiGateway.service";
  if (nodePort !== undefined) values.push("--set", `${service}.type=NodePort,${service}.nodePort=${nodePort}`);
  const files = valuesFile === undefined ? [] : ["--values", valuesFile];
  const wait = ["--create-namespace", "--wait", "--timeout", `${timeoutSeconds}s`];
  const upgrade = helm(place, "upgrade", "--install", RELEASE, CHART, ...wait, ...files, ...values);
  await watchPods(shell, place, note, () => shell.run(upgrade, { timeoutMs: timeoutSeconds * 1000 + COMMAND_MS }));
  const revision = (await releaseHistory(shell, place)).at(-1)?.revision;
  return revision === undefined ? "ready" : `revision ${revision} is ready`;
}
