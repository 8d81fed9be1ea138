/** Checks the metric and list names in alerts and scalers against those in the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type PARTITION_KEYS, partitionPrefix } from "../../../services/queue/redis/script-parts.ts";
import { ROOT } from "../programs/process.ts";
import { ourContainers } from "./environment.ts";
import { type KubernetesObject, nameOf, ofKind } from "./objects.ts";

const PREFIX = "gpu_telemetry_";
/** Prometheus itself records whether a scrape succeeded. */
const PROMETHEUS_OWN = "up";
/** The declaration of a metric: name, then help text. */
const DECLARED = /name: "([a-z_]+)",\s*help:/g;

/** Names with their prefix, as in Prometheus. */
function metricNames(): ReadonlySet<string> {
  const paths = [...new Glob("services/**/*.ts").scanSync(ROOT)];
  const texts = paths.map((path) => readFileSync(join(ROOT, path), "utf8"));
  const ours = texts.flatMap((text) => [...text.matchAll(DECLARED)].map(([, name]) => PREFIX + name));
  return new Set([PROMETHEUS_OWN, ...ours]);
}

const READY: (typeof PARTITION_KEYS)[number] = "ready";

/** Names of the lists of waiting batches, one per partition. */
const readyLists = (partitions: number): string[] =>
  Array.from({ length: partitions }, (_, number) => partitionPrefix(number) + READY);

export function metricsProblems(objects: readonly KubernetesObject[]): string[] {
  const rules = ofKind(objects, "PrometheusRule");
  const known = rules.length === 0 ? new Set<string>() : metricNames();
  const queue = ourContainers(objects).find(({ program }) => program === "queue-service");
  const partitions = Number(queue?.env.QUEUE_PARTITIONS ?? 1);
  return [
    ...rules.flatMap((rule) =>
      (rule.spec?.groups ?? []).flatMap(({ rules: alerts }) =>
        alerts.flatMap(({ alert, expr }) =>
          [...expr.matchAll(/[a-z_]+(?=\{)/g)]
            .filter(([name]) => !known.has(name))
            .map(([name]) => `${nameOf(rule)}: ${alert} uses ${name}, which no service exports`),
        ),
      ),
    ),
    ...ofKind(objects, "ScaledObject").flatMap((scaler) => {
      const lists = (scaler.spec?.triggers ?? []).map(({ metadata }) => metadata.listName);
      const wanted = readyLists(partitions);
      return Bun.deepEquals(lists, wanted)
        ? []
        : [`${nameOf(scaler)}: lists must be ${wanted.join()}, got ${lists.join()}`];
    }),
  ];
}
