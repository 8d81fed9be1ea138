import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { resourceOfKind } from "../../support/kubernetes/resources.ts";
import { isAlive, setUpWorkbench, type Workbench, workbenchPrograms } from "../../support/kubernetes/workbench.ts";

// Each run starts dozens of processes.
setDefaultTimeout(300_000);

const programs = await workbenchPrograms("just deploy");
const IMAGE = ["REGISTRY=registry.example.com/team", "TAG=v1"];
const CHANGING =
  /^(docker (build|push)|helm .*upgrade|kubectl (--\S+ \S+ )*(port-forward|apply|create|delete|config (set|use)-context))/;

/** A bench whose kubeconfig has a cluster of the user as the current context. */
async function setUpCluster(name = "staging"): Promise<Workbench> {
  const bench = await setUpWorkbench(programs!);
  const cluster = { name, cluster: { server: bench.server.url } };
  const context = { name, context: { cluster: name, user: name } };
  const config = { apiVersion: "v1", kind: "Config", "current-context": name, users: [{ name, user: {} }] };
  await bench.writeKubeconfig(JSON.stringify({ ...config, clusters: [cluster], contexts: [context] }));
  return bench;
}

describe.skipIf(programs === null)("just deploy", () => {
  test("builds, pushes and installs by digest on the current context, checks the API, and leaves no process", async () => {
    await using bench = await setUpCluster();
    const before = await bench.readKubeconfig();
    const { code, stdout, stderr } = await bench.just("deploy", ...IMAGE, "YES=1", "NAMESPACE=gpus");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`context    staging (${bench.server.url}), Kubernetes v1.34.0-fake`);
    expect(stdout).toContain("healthy, 24 GPUs");
    const calls = await bench.calls();
    expect(calls.filter((call) => /^kind\b/.test(call))).toEqual([]);
    expect(calls.filter((call) => /^(kubectl|helm) .*gpus /.test(call) && !call.includes("staging"))).toEqual([]);
    const changes = calls.flatMap((call) => CHANGING.exec(call)?.[0].replace(/ --.* (?=\S)/, " ") ?? []);
    expect(changes).toEqual(["docker build", "docker push", "helm upgrade", "kubectl port-forward"]);
    const [pod] = bench.server.objects.list(resourceOfKind("v1", "Pod"), "gpus");
    const image = (pod!.spec as { containers: { image: string }[] }).containers[0]!.image;
    expect(image).toMatch(/^registry\.example\.com\/team\/gpu-telemetry@sha256:0+7$/);
    expect(await bench.readKubeconfig()).toBe(before);
    const command = `kubectl --context staging --namespace gpus port-forward service/api-gateway ${bench.port}:8080`;
    expect(stdout.split("\n")).toContain(`  ${command}`);
    expect((await bench.forwards()).map(isAlive)).toEqual([false]);
    const status = await bench.just("status", "CONTEXT=staging", "NAMESPACE=gpus");
    expect([status.code, status.stdout]).toEqual([0, expect.stringMatching(/^ok {3}health {3}200 /m)]);
    expect((await bench.forwards()).map(isAlive)).toEqual([false, false]);
    await bench.just("down");
    expect(await bench.readKubeconfig()).toBe(before);
  });

  test("changes nothing without confirmation, shows the context, and recommends just up for a kind cluster", async () => {
    await using bench = await setUpCluster("kind-mine");
    const { code, stdout, stderr } = await bench.just("deploy", ...IMAGE);
    expect(code).toBe(1);
    expect(stdout).toContain(`context    kind-mine (${bench.server.url})`);
    expect(stdout).toContain("`just up` creates and uses one of its own");
    expect(stderr).toContain("confirm with YES=1");
    expect((await bench.calls()).filter((call) => CHANGING.test(call))).toEqual([]);
  });

  test("refuses unknown keys and contexts, and invalid tags", async () => {
    await using bench = await setUpCluster();
    for (const [words, message] of [
      [[], "REGISTRY and TAG must be set"],
      [["REGISTRY=x"], "TAG must be set"],
      [[...IMAGE, "registry=x"], "argument must be one of REGISTRY=…, TAG=…"],
      [["REGISTRY=x", "TAG=a b"], 'TAG must be 1 to 128 letters, digits, _ . or -, got "a b"'],
      [["REGISTRY=https://x", "TAG=v1"], "REGISTRY must be a host"],
      [[...IMAGE, "CONTEXT=nowhere", "YES=1"], "CONTEXT must be a context of kubectl, got nowhere"],
    ] as const) {
      const { code, stderr } = await bench.just("deploy", ...words);
      expect([words, code > 0, stderr]).toEqual([words, true, expect.stringContaining(message)]);
    }
    expect((await bench.calls()).filter((call) => CHANGING.test(call))).toEqual([]);
  });
});
