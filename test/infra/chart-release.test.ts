import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startFakeApiServer } from "../support/kubernetes/api-server.ts";
import { finished, kubeconfig, kubernetesPrograms } from "../support/kubernetes/programs.ts";
import { resourceOfKind } from "../support/kubernetes/resources.ts";
import { CHART } from "../support/manifests/render.ts";
import { ROOT } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const programs = await kubernetesPrograms("releases of the chart");
const RELEASE = "gpu-telemetry";

/** A fake API server, and programs that look at it and nothing else. */
async function startCluster() {
  const server = startFakeApiServer();
  const folder = await temporaryFolder();
  const config = join(folder.path, "config");
  await Bun.write(config, kubeconfig(server.url));
  const env = {
    KUBECONFIG: config,
    HELM_CACHE_HOME: folder.path,
    HELM_CONFIG_HOME: folder.path,
    HELM_DATA_HOME: folder.path,
  };
  return {
    /** @throws Error with what it said when it fails */
    async run(program: string, ...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await finished([join(programs ?? "", program), ...args], env);
      if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    /** `name.key` → value, of all Secrets but Helm's own. */
    secrets(): Readonly<Record<string, string>> {
      const all = server.objects.list(resourceOfKind("v1", "Secret"), RELEASE);
      const ours = all.filter(({ metadata }) => !metadata.name.startsWith("sh.helm"));
      return Object.fromEntries(
        ours.flatMap(({ metadata, data }) =>
          Object.entries(data as Record<string, string>).map(([key, value]) => [`${metadata.name}.${key}`, value]),
        ),
      );
    },
    /** What the pods of a workload were made from. */
    template(kind: string, name: string): string {
      const object = server.objects.get(resourceOfKind("apps/v1", kind), RELEASE, name);
      return JSON.stringify((object?.spec as { template: object } | undefined)?.template);
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
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
    test(`with ${helm} keeps its random secrets over upgrades, and MongoDB's as long as its volume`, async () => {
      await using cluster = await startCluster();
      const place = ["--namespace", RELEASE, "--wait", "--timeout", "60s"];
      const upgrade = (...more: readonly string[]) =>
        cluster.run(helm, "upgrade", "--install", RELEASE, CHART, "--create-namespace", ...place, ...more);

      expect(await upgrade()).toContain("port-forward service/api-gateway 8080:8080");
      const first = cluster.secrets();
      expect(Object.keys(first).sort()).toEqual([...RANDOM, "mongodb.uri"].sort());
      expect(new Set(Object.values(first)).size).toBe(6);
      const templates = () => [cluster.template("Deployment", "collector"), cluster.template("StatefulSet", "mongodb")];
      const before = templates();

      await upgrade("--set", "collector.replicas=3");
      expect(cluster.secrets()).toEqual(first);
      // Nothing that pods were started with is another: none is replaced.
      expect(templates()).toEqual(before);

      await upgrade("--set", "auth.internalToken=given");
      expect(cluster.secrets()).toEqual({ ...first, "gpu-telemetry.internal-token": btoa("given") });
      expect(templates()[0]).not.toBe(before[0] as string);
      await cluster.run(helm, "test", RELEASE, "--namespace", RELEASE);

      await cluster.run(helm, "uninstall", RELEASE, ...place);
      expect(Object.keys(cluster.secrets()).sort()).toEqual(
        Object.keys(first)
          .filter((key) => key.startsWith("mongodb."))
          .sort(),
      );
      await upgrade();
      expect(cluster.secrets()["mongodb.root-password"]).toBe(first["mongodb.root-password"] as string);
      expect(cluster.secrets()["redis.password"]).not.toBe(first["redis.password"] as string);
    }, 60_000);
  }

  test("kubectl apply -k infra/k8s makes the same workloads, twice without a change", async () => {
    await using cluster = await startCluster();
    const apply = () => cluster.run("kubectl", "apply", "-k", join(ROOT, "infra/k8s"));
    expect((await apply()).match(/(deployment|statefulset)\.apps\/\S+ created/g)).toHaveLength(8);
    const changed = (await apply()).split("\n").filter((line) => line !== "" && !line.endsWith(" unchanged"));
    // kubectl sends a budget's selector whole, whatever was there.
    expect(changed.filter((line) => !line.startsWith("poddisruptionbudget.policy/"))).toEqual([]);
    await cluster.run(
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
