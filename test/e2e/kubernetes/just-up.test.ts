import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import type { KubeObject } from "../../support/kubernetes/objects.ts";
import { resourceOfKind } from "../../support/kubernetes/resources.ts";
import { setUpWorkbench, type Workbench, workbenchPrograms } from "../../support/kubernetes/workbench.ts";

// Each run starts dozens of processes.
setDefaultTimeout(300_000);

const programs = await workbenchPrograms("just up and just down");
const CONTEXT = "kind-gpu-telemetry-cluster";

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts: readonly { name: string; context: { namespace?: string } }[];
}

async function readKubeconfig(bench: Workbench): Promise<Kubeconfig> {
  return Bun.YAML.parse(await bench.readKubeconfig()) as Kubeconfig;
}

/** A kubeconfig without our context. */
const foreign = (config: Kubeconfig) =>
  JSON.parse(JSON.stringify({ ...config, "current-context": "" }), (_, value) =>
    Array.isArray(value) ? value.filter(({ name }) => name !== CONTEXT) : value,
  );

const health = (port: number): Promise<number> =>
  fetch(`http://localhost:${port}/health`).then(
    ({ status }) => status,
    () => 0,
  );

const streamer = ({ server }: Workbench) =>
  server.objects.get(resourceOfKind("apps/v1", "StatefulSet"), "gpu-telemetry", "streamer") as KubeObject & {
    spec: { template: { spec: { containers: { image: string }[]; volumes?: object[] } } };
  };

const CHANGING =
  /^(kind (create|load|delete|export)|docker (build|push|cp)|helm .*(upgrade|uninstall)|kubectl .*(port-forward|set-context|use-context|apply))/;
/** The calls that change something, as program and verb, in order. */
const changes = (calls: readonly string[]) =>
  calls.flatMap((call) => {
    const [, change] = CHANGING.exec(call) ?? [];
    return change === undefined
      ? []
      : [change.replace(/ --kube-context.* | --context.* --namespace \S+/g, " ").replace(/ +/g, " ")];
  });

describe.skipIf(programs === null)("just up", () => {
  test("creates everything once and then updates changes only, until just down deletes it", async () => {
    await using bench = await setUpWorkbench(programs!);
    const before = await readKubeconfig(bench);

    const first = await bench.just("up");
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^\[1\/6] Prerequisites\n.*port \d+ \(\d+\.\d s\)\n\[2\/6] Cluster/);
    expect(first.stdout).toContain("healthy, 24 GPUs");
    for (const line of ["  kubectl get pods", `  curl http://localhost:${bench.port}/health`]) {
      expect(first.stdout.split("\n")).toContain(line);
    }
    expect(changes(await bench.calls())).toEqual([
      "kind create",
      "kubectl config set-context",
      "docker build",
      "kind load",
      "helm upgrade",
    ]);
    expect(await health(bench.port)).toBe(200);
    expect(foreign(await readKubeconfig(bench))).toEqual(foreign(before));
    const ours = (await readKubeconfig(bench)).contexts.find(({ name }) => name === CONTEXT);
    expect(ours?.context.namespace).toBe("gpu-telemetry");
    expect((await readKubeconfig(bench))["current-context"]).toBe(CONTEXT);
    expect(streamer(bench).spec.template.spec.containers[0]?.image).toBe(`gpu-telemetry:${"a".repeat(12)}`);

    const pods = bench.server.objects.list(resourceOfKind("v1", "Pod")).map(({ metadata }) => metadata.uid);
    const second = await bench.just("up");
    expect([second.code, second.stderr]).toEqual([0, ""]);
    expect(changes(await bench.calls())).toEqual(["docker build", "helm upgrade"]);
    expect(bench.server.objects.list(resourceOfKind("v1", "Pod")).map(({ metadata }) => metadata.uid)).toEqual(pods);

    const status = await bench.just("status");
    expect([status.code, status.stdout]).toEqual([
      0,
      expect.stringContaining(`address  http://localhost:${bench.port}`),
    ]);
    await bench.calls();

    await bench.set("tree", "deadbeefcafe");
    const exports = join(bench.folder, "exports");
    await Bun.write(join(exports, "a.csv.gz"), gzipSync(`${DCGM_HEADER}\n`));
    await Bun.write(join(exports, "b.csv"), `${DCGM_HEADER}\n`);
    const third = await bench.just("up", `CSV=${exports}`);
    expect([third.code, third.stderr]).toEqual([0, ""]);
    expect(changes(await bench.calls())).toEqual([
      "docker build",
      "kind load",
      "docker cp",
      "docker cp",
      "kubectl apply",
      "helm upgrade",
    ]);
    const { containers, volumes } = streamer(bench).spec.template.spec;
    expect(containers[0]?.image).toBe(`gpu-telemetry:${"a".repeat(12)}-deadbeef`);
    const claims = () =>
      bench.server.objects
        .list(resourceOfKind("v1", "PersistentVolumeClaim"), "gpu-telemetry")
        .flatMap(({ metadata: { name } }) => (name.startsWith("csv-") ? [name] : []));
    expect(claims()).toHaveLength(1);
    expect(JSON.stringify(volumes)).toContain(`"claimName":"${claims()[0]}"`);

    const fourth = await bench.just("up");
    expect([fourth.code, fourth.stderr]).toEqual([0, ""]);
    expect(claims()).toEqual([]);
    expect(JSON.stringify(streamer(bench).spec.template.spec)).not.toContain("claimName");
    await bench.calls();

    const down = await bench.just("down");
    expect([down.code, down.stderr]).toEqual([0, ""]);
    expect(changes(await bench.calls())).toEqual(["kind delete", "kubectl config use-context"]);
    expect(await readKubeconfig(bench)).toEqual(before);
    expect(await health(bench.port)).toBe(0);
    expect(await bench.forwards()).toEqual([]);
    const downAgain = await bench.just("down");
    expect([downAgain.code, downAgain.stderr]).toEqual([0, ""]);
    expect(changes(await bench.calls())).toEqual([]);
  });

  test("runs a simulated fleet with SCRAPE=fleet, which replaces the sample, and deletes it without", async () => {
    await using bench = await setUpWorkbench(programs!);
    const wrong = await bench.just("up", "SCRAPE=everything");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('SCRAPE must be fleet, got "everything"')]);
    const first = await bench.just("up", "SCRAPE=fleet");
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toContain("data: a simulated fleet");
    const names = (kind: string) =>
      bench.server.objects.list(resourceOfKind("apps/v1", kind), "gpu-telemetry").map(({ metadata }) => metadata.name);
    expect(names("Deployment")).toContain("fleet");
    const replicas = (name: string) =>
      bench.server.objects.get(resourceOfKind("apps/v1", "StatefulSet"), "gpu-telemetry", name) as unknown as {
        spec: { replicas: number };
      };
    expect([replicas("scraper").spec.replicas, replicas("streamer").spec.replicas]).toEqual([1, 0]);
    const second = await bench.just("up");
    expect([second.code, second.stderr]).toEqual([0, ""]);
    expect(names("Deployment")).not.toContain("fleet");
    expect([replicas("scraper").spec.replicas, replicas("streamer").spec.replicas]).toEqual([0, 1]);
  });

  test("keeps the port of an existing cluster, and refuses another one before it changes anything", async () => {
    await using bench = await setUpWorkbench(programs!);
    expect((await bench.just("up")).code).toBe(0);
    await bench.calls();

    const other = bench.port + 1;
    const refused = await bench.just("up", `PORT=${other}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `PORT must be ${bench.port} while cluster gpu-telemetry-cluster exists, got ${other}`,
    );
    expect(refused.stderr).toContain(`  just up PORT=${bench.port}     # keeps the cluster`);
    expect(refused.stderr).toMatch(
      / {2}just down && just up PORT=\d+ +# a new cluster; deletes the readings stored in/,
    );
    expect(changes(await bench.calls())).toEqual([]);
    expect(await health(bench.port)).toBe(200);

    const kept = await bench.just("up", "PORT=");
    expect([kept.code, kept.stdout]).toEqual([0, expect.stringContaining(`http://localhost:${bench.port}/graphql`)]);
    await bench.calls();

    // A cluster created by a version that forwarded the port with a process.
    await bench.set("port-bindings", '{"6443/tcp":[{"HostIp":"127.0.0.1","HostPort":"40001"}]}');
    const earlier = await bench.just("up");
    expect([earlier.code, earlier.stderr]).toEqual([1, expect.stringContaining("publishes no port for the API")]);
    const status = await bench.just("status");
    expect([status.code, status.stdout]).toEqual([
      1,
      expect.stringContaining("BAD  address  the cluster publishes none"),
    ]);
    expect(changes(await bench.calls())).toEqual([]);
  });
});
