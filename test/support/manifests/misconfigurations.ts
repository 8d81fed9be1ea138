/** Checks hardening by the rules of trivy. */
import { join } from "node:path";
import { finished } from "../kubernetes/programs.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import type { Findings, Layer } from "./layers.ts";

interface Report {
  readonly Results?: readonly {
    readonly Target: string;
    readonly MisconfSummary: { readonly Successes: number };
    readonly Misconfigurations?: readonly {
      readonly ID: string;
      readonly Severity: string;
      readonly Message: string;
    }[];
  }[];
}

/** Kinds that trivy has rules for. Others are left out, because each document takes 0.2 s. */
const HARDENED = /^kind: (Pod|Deployment|StatefulSet|ConfigMap)$/m;

/** @throws Error if trivy fails or scans nothing */
export const misconfigurations: Layer = async (texts, { scanners }) => {
  await using folder = await temporaryFolder();
  const judged = Object.entries(texts).flatMap(([name, text]) => {
    const documents = text.split(/^---$/m).filter((document) => HARDENED.test(document));
    return documents.length === 0 ? [] : [[name, documents.join("---\n")] as const];
  });
  const findings: Record<string, readonly string[]> = Object.fromEntries(Object.keys(texts).map((name) => [name, []]));
  if (judged.length === 0) return findings;
  for (const [name, text] of judged) await Bun.write(join(folder.path, "texts", `${name}.yaml`), text);
  const report = join(folder.path, "report.json");
  const { code, stderr } = await finished([
    ...[join(scanners, "trivy"), "config", "--skip-policy-update", "--severity", "MEDIUM,HIGH,CRITICAL"],
    ...["--cache-dir", join(folder.path, "cache"), "--format", "json", "--output", report, join(folder.path, "texts")],
  ]);
  if (code !== 0) throw new Error(`trivy: ${stderr}`);
  const { Results: results = [] } = (await Bun.file(report).json()) as Report;
  for (const { Target, Misconfigurations = [] } of results) {
    findings[Target.replace(/\.yaml$/, "")] = Misconfigurations.map(({ ID, Message }) => `${ID}: ${Message}`);
  }
  const scanned = new Set(results.map(({ Target }) => Target));
  const skipped = judged.filter(([name]) => !scanned.has(`${name}.yaml`)).map(([name]) => name);
  if (scanned.size === 0) throw new Error("trivy scanned nothing");
  // trivy silently skips files that it cannot read.
  return { ...findings, ...(Object.fromEntries(skipped.map((name) => [name, []])) as Findings) };
};
