import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type FakeCluster, startFakeCluster } from "../support/kubernetes/fake-cluster.ts";
import { kubernetesPrograms } from "../support/kubernetes/programs.ts";
import { resourceOfKind } from "../support/kubernetes/resources.ts";
import { CHART } from "../support/manifests/render.ts";
import { ROOT } from "../support/programs/process.ts";

const programs = await kubernetesPrograms("releases of the chart");
const RELEASE = "gpu-telemetry";

/** `name.key` → value of all Secrets, except Helm's own. */
function secretsOf({ server }: FakeCluster): Readonly<Record<string, string>> {
  const all = server.objects.list(resourceOfKind("v1", "Secret"), RELEASE);
  const ours = all.filter(({ metadata }) => !metadata.name.startsWith("sh.helm"));
  return Object.fromEntries(
    ours.flatMap(({ metadata, data }) =>
      Object.entries(data as Record<string, string>).map(([key, value]) => [`${metadata.name}.${key}`, value]),
    ),
  );
}

/** The pod template of a workload, as JSON. */
function templateOf({ server }: FakeCluster, kind: string, name: string): string {
  const object = server.objects.get(resourceOfKind("apps/v1", kind), RELEASE, name);
  return JSON.stringify((object?.spec as { template: object } | undefined)?.template);
}

const RANDOM = [
  "gpu-telemetry.internal-token",
  "mongodb.keyfile",
  "mongodb.password",
  "mongodb.root-password",
  "redis.password",
];

describe.skipIf(programs === null)("a release of the chart on a fake API server", () => {
  for (const helm of ["helm", "helm3"]) {
    test(`by ${helm} keeps random secrets across upgrades and a rollback, and those of MongoDB after an uninstall`, async () => {
      await using cluster = await startFakeCluster(programs!);
      const place = ["--namespace", RELEASE, "--wait", "--timeout", "60s"];
      const upgrade = (...more: readonly string[]) =>
        cluster.succeed(helm, "upgrade", "--install", RELEASE, CHART, "--create-namespace", ...place, ...more);

      expect(await upgrade()).toContain("port-forward service/api-gateway 8080:8080");
      const first = secretsOf(cluster);
      expect(Object.keys(first).sort()).toEqual([...RANDOM, "mongodb.uri"].sort());
      expect(new Set(Object.values(first)).size).toBe(6);
      const templates = () => [
        templateOf(cluster, "Deployment", "collector"),
        templateOf(cluster, "StatefulSet", "mongodb"),
      ];
      const before = templates();

      await upgrade("--set", "collector.replicas=3");
      expect(secretsOf(cluster)).toEqual(first);
      // Equal templates: no pod is replaced.
      expect(templates()).toEqual(before);

      await upgrade("--set", "auth.internalToken=given");
      expect(secretsOf(cluster)).toEqual({ ...first, "gpu-telemetry.internal-token": btoa("given") });
      expect(templates()[0]).not.toBe(before[0] as string);
      await cluster.succeed(helm, "test", RELEASE, "--namespace", RELEASE);

      await cluster.succeed(helm, "rollback", RELEASE, "2", ...place);
      expect(secretsOf(cluster)).toEqual(first);
      expect(templates()).toEqual(before);

      await cluster.succeed(helm, "uninstall", RELEASE, ...place);
      expect(Object.keys(secretsOf(cluster)).sort()).toEqual(
        Object.keys(first)
          .filter((key) => key.startsWith("mongodb."))
          .sort(),
      );
      await upgrade();
      expect(secretsOf(cluster)["mongodb.root-password"]).toBe(first["mongodb.root-password"] as string);
      expect(secretsOf(cluster)["redis.password"]).not.toBe(first["redis.password"] as string);
    }, 60_000);
  }

  test("kubectl apply -k infra/k8s creates the workloads, and changes nothing the second time", async () => {
    await using cluster = await startFakeCluster(programs!);
    const apply = () => cluster.succeed("kubectl", "apply", "-k", join(ROOT, "infra/k8s"));
    expect((await apply()).match(/(deployment|statefulset)\.apps\/\S+ created/g)).toHaveLength(9);
    const changed = (await apply()).split("\n").filter((line) => line !== "" && !line.endsWith(" unchanged"));
    // kubectl always sends the whole selector of a budget.
    expect(changed.filter((line) => !line.startsWith("poddisruptionbudget.policy/"))).toEqual([]);
    await cluster.succeed(
      "kubectl",
      "--namespace",
      RELEASE,
      "rollout",
      "status",
      "deployment/api-gateway",
      "--timeout=10s",
    );
  }, 60_000);
});
