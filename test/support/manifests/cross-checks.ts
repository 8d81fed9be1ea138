/** Our own checks, of facts about these manifests that no tool knows; returns one list of problems. */
import { callerProblems } from "./callers.ts";
import { missingAccounts, missingChecksums, missingContents, missingVolumes } from "./contents.ts";
import { environmentProblems } from "./environment.ts";
import { metricsProblems } from "./metrics.ts";
import { missingServices, policyProblems, policyScope } from "./network.ts";
import { parseManifests } from "./objects.ts";
import { POD_CHECKS } from "./pods.ts";
import { REFERENCE_CHECKS } from "./references.ts";

/** @param elsewhere `Kind/name` of objects that the user creates */
export function crossChecks(text: string, elsewhere: readonly string[] = []): string[] {
  let objects: ReturnType<typeof parseManifests>;
  try {
    objects = parseManifests(text);
  } catch (error) {
    return [`invalid YAML: ${(error as Error).message}`];
  }
  const known = new Set(elsewhere);
  return [
    ...Object.values(REFERENCE_CHECKS).flatMap((check) => check(objects)),
    ...Object.values(POD_CHECKS).flatMap((check) => check(objects)),
    ...environmentProblems(objects),
    ...missingContents(objects, known),
    ...missingChecksums(objects),
    ...missingVolumes(objects),
    ...missingAccounts(objects, known),
    ...missingServices(objects),
    ...policyProblems(objects),
    ...policyScope(objects),
    ...metricsProblems(objects),
    ...callerProblems(objects),
  ];
}
