import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { resourceOfKind } from "../../support/kubernetes/resources.ts";
import { setUpWorkbench, type Workbench, workbenchPrograms } from "../../support/kubernetes/workbench.ts";
import { eventually } from "../../support/time/eventually.ts";

const programs = await workbenchPrograms("just up in trouble");

/** Looking is all that may have been done. */
const LOOKING = /^(\w+ version|docker info|git version|kind get clusters)/;

async function refusal(bench: Workbench, ...words: string[]) {
  const outcome = await bench.just("up", ...words);
  expect((await bench.calls()).filter((call) => !LOOKING.test(call))).toEqual([]);
  expect([outcome.code === 0, outcome.stdout]).toEqual([false, expect.not.stringContaining("[2/6]")]);
  return outcome.stderr;
}

describe.skipIf(programs === null)("just up, before it touches anything,", () => {
  test("names every tool that is missing or too old, and where to get it", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("kind-version", "0.19.0");
    await bench.set("docker-version", "19.03.15");
    await bench.uninstall("helm");
    const said = await refusal(bench);
    expect(said).toMatch(/docker must be 20\.10 or newer, got 19\.03\.15 \(https:/);
    expect(said).toMatch(/kind must be 0\.20 or newer, got 0\.19\.0 \(brew install kind/);
    expect(said).toMatch(/helm 3\.14 or newer must be installed \(brew install helm/);
    await bench.set("kind-version", "0.20.0");
    await bench.set("docker-version", "20.10.24");
    await bench.uninstall("kubectl");
    expect(await refusal(bench)).toMatch(/kubectl 1\.29 or newer must be installed/);
  });

  test("names a daemon that is away, memory that is short, a port that is taken", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("docker-memory", String(2 * 1024 ** 3));
    expect(await refusal(bench)).toContain("Docker's memory must be at least 3.5 GiB, got 2.0 GiB");
    await bench.set("docker-is-down", "");
    expect(await refusal(bench)).toContain("Docker does not answer: Cannot connect to the Docker daemon");
    await Bun.file(join(bench.folder, "shims/docker-is-down")).delete();
    await bench.set("docker-memory", String(8 * 1024 ** 3));
    const taken = createServer().listen(bench.port, "127.0.0.1");
    const said = await refusal(bench);
    taken.close();
    expect(said).toContain(`Port ${bench.port} of localhost is in use by another program`);
    expect(said).toContain(`  just up PORT=${bench.port + 1}`);
  });

  test("names what is wrong with the command line and with the user's file", async () => {
    await using bench = await setUpWorkbench(programs!);
    expect(await refusal(bench, "csv=x.csv")).toContain("argument must be one of CSV=…, PORT=…");
    expect(await refusal(bench, "PORT=http")).toContain('PORT must be a whole number from 1 to 65535, got "http"');
    expect(await refusal(bench, "CSV=no.csv")).toMatch(/CSV must be an existing file or folder, got \S+no\.csv/);
    const wrong = join(bench.folder, "wrong.csv");
    await Bun.write(wrong, "time,gpu\n");
    const said = await refusal(bench, `CSV=${wrong}`);
    expect(said).toContain("column timestamp is missing");
    expect(said).toContain("got:      time,gpu");
  });

  test("prints with --dry-run what it would do, and runs nothing", async () => {
    await using bench = await setUpWorkbench(programs!);
    for (const name of ["docker", "kind", "kubectl", "helm", "git"]) await bench.uninstall(name);
    const { code, stdout } = await bench.just("up", "--dry-run");
    expect(code).toBe(0);
    const commands = [
      ...stdout.matchAll(/^ {6}(kind|kubectl|\S*docker-build\.sh|helm) /gm),
      ...stdout.matchAll(/docker-build\.sh$/gm),
    ];
    expect(commands.length).toBeGreaterThanOrEqual(5);
    expect(stdout).toContain("Nothing was run.");
    expect(await bench.calls()).toEqual([]);
  });
});

describe.skipIf(programs === null)("just up, when pods do not become ready,", () => {
  test("shows why, and repairs what it left behind", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("helm", "helm3");
    bench.server.workloads.becomesReady = (name) => name !== "collector";
    const failed = await bench.just("up", "TIMEOUT=1s");
    expect(failed.code).toBe(1);
    const said = failed.stderr;
    expect(said).toContain("FAILED: Release gpu-telemetry in namespace gpu-telemetry");
    expect(said).toMatch(/^ {2}helm --kube-context kind-gpu-telemetry-cluster .* upgrade --install gpu-telemetry /m);
    expect(said).toContain("context deadline exceeded");
    expect(said).toMatch(/^collector-\S+ +0\/1 +ImagePullBackOff/m);
    expect(said).toMatch(/Last events:\n(.*\n)*.*Failed to pull image "gpu-telemetry:aaaaaaaaaaaa"/);
    expect(said).toMatch(/collector-\S+ is not ready \(ImagePullBackOff\)\. Its last log lines:\n.*a line of its log/);
    expect(said).toMatch(/Next:\n {2}kubectl describe pod collector-\S+ .*\n {2}just up TIMEOUT=1s\n/);

    bench.server.workloads.becomesReady = () => true;
    const repaired = await bench.just("up");
    expect([repaired.code, repaired.stderr]).toEqual([0, ""]);
    expect(repaired.stdout).toContain("removed an earlier install that was failed");
    expect(repaired.stdout).toContain("revision 1 is ready");

    bench.server.workloads.becomesReady = () => false;
    const place = ["--kube-context", "kind-gpu-telemetry-cluster", "--namespace", "gpu-telemetry"];
    const interrupted = bench.startHelm(...place, "upgrade", "gpu-telemetry", "infra/helm/gpu-telemetry", "--wait");
    const record = () =>
      bench.server.objects
        .list(resourceOfKind("v1", "Secret"), "gpu-telemetry")
        .some(({ metadata }) => metadata.name.endsWith(".v2") && metadata.labels?.status === "pending-upgrade");
    await eventually(record, { what: "an upgrade under way" });
    interrupted.kill("SIGKILL");
    await interrupted.exited;
    bench.server.workloads.becomesReady = () => true;
    const finished = await bench.just("up");
    expect([finished.code, finished.stderr]).toEqual([0, ""]);
    expect(finished.stdout).toContain("deleted the record of revision 2, an earlier upgrade that was pending-upgrade");
  }, 60_000);
});
