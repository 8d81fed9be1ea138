import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type FakeCluster, startFakeCluster } from "../../support/kubernetes/fake-cluster.ts";
import { kubernetesPrograms } from "../../support/kubernetes/programs.ts";
import { resourceOfKind } from "../../support/kubernetes/resources.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ROOT } from "../../support/programs/process.ts";

const programs = await kubernetesPrograms("helm and kubectl against the fake API server");
const CHART = join(ROOT, "test/support/kubernetes/chart");
const WAIT = ["--namespace", "small", "--wait", "--timeout", "20s"];

const startCluster = () => startFakeCluster(programs!);

const images = ({ server }: FakeCluster) =>
  server.objects
    .list(resourceOfKind("v1", "Pod"), "small")
    .flatMap(({ spec }) => (spec as { containers: { image: string }[] }).containers.map(({ image }) => image))
    .sort();

describe.skipIf(programs === null)("the fake API server", () => {
  for (const helm of ["helm", "helm3"]) {
    test(`${helm} installs, upgrades, tests, rolls back and uninstalls a release`, async () => {
      await using cluster = await startCluster();
      const succeed = (...args: string[]) => cluster.succeed(helm, ...args);
      const upgrade = ["upgrade", "--install", "small", CHART, "--create-namespace", ...WAIT];
      expect(await succeed(...upgrade)).toContain("STATUS: deployed");
      expect(images(cluster)).toEqual(["disk:one", "web:one", "web:one"]);
      await succeed(...upgrade, "--set", "tag=two");
      expect(images(cluster)).toEqual(["disk:two", "web:two", "web:two"]);
      expect(await succeed("test", "small", "--namespace", "small")).toContain("Succeeded");
      await succeed("rollback", "small", "1", ...WAIT);
      expect(images(cluster)).toEqual(["asks:two", "disk:one", "web:one", "web:one"]);
      const history = JSON.parse(await succeed("history", "small", "--namespace", "small", "--output", "json"));
      expect(history.map(({ status }: { status: string }) => status)).toEqual(["superseded", "superseded", "deployed"]);
      await succeed("uninstall", "small", ...WAIT);
      expect(images(cluster)).toEqual(["asks:two"]);
      expect(cluster.server.objects.list(resourceOfKind("v1", "PersistentVolumeClaim"))).toHaveLength(1);
    });

    test(`${helm} --wait fails if a workload does not become ready`, async () => {
      await using cluster = await startCluster();
      cluster.server.workloads.becomesReady = (name) => name !== "web";
      const wait = ["--create-namespace", "--namespace", "small", "--wait", "--timeout", "1s"];
      const outcome = await cluster.run(helm, "upgrade", "--install", "small", CHART, ...wait);
      expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining("context deadline exceeded")]);
      const status = await cluster.run(helm, "status", "small", "--namespace", "small", "--output", "json");
      expect(JSON.parse(status.stdout).info.status).toBe("failed");
    });
  }

  test("kubectl applies, waits, lists, reads logs and deletes", async () => {
    await using cluster = await startCluster();
    const kubectl = (...args: string[]) => cluster.succeed("kubectl", ...args);
    await kubectl("create", "namespace", "small");
    const manifests = await cluster.succeed("helm", "template", "small", CHART, "--namespace", "small");
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, "all.yaml"), manifests);
    await kubectl("apply", "--server-side", "--namespace", "small", "--filename", join(folder.path, "all.yaml"));
    await kubectl("--namespace", "small", "rollout", "status", "deployment/web", "--timeout=10s");
    await kubectl("--namespace", "small", "wait", "--for=condition=Available", "deployment/web", "--timeout=10s");
    expect(await kubectl("--namespace", "small", "get", "pods")).toMatch(/^web-\S+ +1\/1 +Running +0/m);
    expect((await kubectl("--namespace", "small", "logs", "--selector", "app=web")).trim().split("\n")).toHaveLength(2);
    cluster.server.workloads.becomesReady = () => false;
    await kubectl("--namespace", "small", "patch", "statefulset/disk", "--patch", '{"spec":{"replicas":2}}');
    expect(await kubectl("--namespace", "small", "get", "events")).toContain('Failed to pull image "disk:one"');
    await kubectl("delete", "namespace", "small", "--wait", "--timeout=10s");
    expect(cluster.server.objects.all().filter(({ metadata }) => metadata.namespace === "small")).toEqual([]);
  });
});
