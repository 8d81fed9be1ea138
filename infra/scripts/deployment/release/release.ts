/** Installs or upgrades the Helm release, and repairs one that an interrupted command left half done. */
import { CHART, helm, kubectl, type Place, RELEASE } from "../run/place.ts";
import type { Shell } from "../run/shell.ts";
import { Trouble } from "../run/trouble.ts";
import { watchPods } from "./waiting.ts";

const COMMAND_MS = 90_000;

export interface ReleaseValues {
  readonly image: { readonly repository: string; readonly tag: string; readonly digest?: string };
  /** Claim with the CSV files; without it, pods read the sample in the image. */
  readonly csvClaim?: string;
  /** NodePort of service api-gateway; without it, the service is reachable inside the cluster only. */
  readonly nodePort?: number;
  /** Time limit for its pods to become ready. */
  readonly timeoutSeconds: number;
  /** File with more values; the others win. */
  readonly valuesFile?: string;
  /** More values, by path. */
  readonly more?: Readonly<Record<string, unknown>>;
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
 * Repairs a release that Helm would refuse to upgrade because a command was interrupted ("another operation is in
 * progress"), and removes a failed first install. Returns what it did, or null.
 */
async function repair(shell: Shell, place: Place): Promise<string | null> {
  const history = await releaseHistory(shell, place);
  const last = history.at(-1);
  if (last === undefined || !/^(failed|pending-|uninstalling)/.test(last.status)) return null;
  const good = history.findLast(({ status }) => status === "deployed" || status === "superseded");
  if (good === undefined) {
    // The volumes stay, and so does the Secret with the passwords of the data in them.
    await shell.run(helm(place, "uninstall", RELEASE, "--wait", "--timeout", "60s"), { timeoutMs: COMMAND_MS });
    return `removed an earlier install that was ${last.status}`;
  }
  if (last.status === "failed") return null;
  // Only its record: the upgrade that follows replaces everything else.
  const secret = `sh.helm.release.v1.${RELEASE}.v${last.revision}`;
  await shell.run(kubectl(place, "delete", "secret", secret), { timeoutMs: COMMAND_MS });
  return `deleted the record of revision ${last.revision}, an earlier upgrade that was ${last.status}`;
}

/** @throws Trouble instead of repairing the release, for clusters where another user may be deploying */
export async function checkIdle(shell: Shell, place: Place): Promise<void> {
  const last = (await releaseHistory(shell, place)).at(-1);
  if (last === undefined || !last.status.startsWith("pending-")) return;
  throw new Trouble(`Release ${RELEASE} is ${last.status}: another deployment is running, or one was interrupted`, {
    next: [helm(place, "history", RELEASE).join(" "), helm(place, "rollback", RELEASE).join(" ")],
  });
}

/** Resolves with a summary when all pods are ready. */
export async function ensureRelease(
  shell: Shell,
  place: Place,
  { image, csvClaim, nodePort, valuesFile, more = {}, timeoutSeconds }: ReleaseValues,
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
  for (const [name, value] of Object.entries(more)) values.push("--set-json", `${name}=${JSON.stringify(value)}`);
  const files = valuesFile === undefined ? [] : ["--values", valuesFile];
  const wait = ["--create-namespace", "--wait", "--timeout", `${timeoutSeconds}s`];
  const upgrade = helm(place, "upgrade", "--install", RELEASE, CHART, ...wait, ...files, ...values);
  await watchPods(shell, place, note, () => shell.run(upgrade, { timeoutMs: timeoutSeconds * 1000 + COMMAND_MS }));
  const revision = (await releaseHistory(shell, place)).at(-1)?.revision;
  return revision === undefined ? "ready" : `revision ${revision} is ready`;
}
