import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { resourceOfKind } from "../../support/kubernetes/resources.ts";
import { setUpWorkbench, type Workbench, workbenchPrograms } from "../../support/kubernetes/workbench.ts";
import { eventually } from "../../support/time/eventually.ts";

// Each run starts dozens of processes.
setDefaultTimeout(300_000);

const programs = await workbenchPrograms("failures of just up");

/** Commands that change nothing. */
const LOOKING = /^(\w+ version|docker info|git version|kind get clusters)/;

async function refusal(bench: Workbench, ...words: string[]) {
  const outcome = await bench.just("up", ...words);
  expect((await bench.calls()).filter((call) => !LOOKING.test(call))).toEqual([]);
  expect([outcome.code === 0, outcome.stdout]).toEqual([false, expect.not.stringContaining("[2/6]")]);
  return outcome.stderr;
}

describe.skipIf(programs === null)("just up, before it changes anything,", () => {
  test("names every missing or outdated tool and its download", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("kind-version", "0.19.0");
    await bench.set("docker-version", "19.03.15");
    await bench.uninstall("helm");
    const report = await refusal(bench);
    expect(report).toMatch(/docker must be 20\.10 or newer, got 19\.03\.15 \(https:/);
    expect(report).toMatch(/kind must be 0\.20 or newer, got 0\.19\.0 \(brew install kind/);
    expect(report).toMatch(/helm 3\.14 or newer must be installed \(brew install helm/);
    await bench.set("kind-version", "0.20.0");
    await bench.set("docker-version", "20.10.24");
    await bench.uninstall("kubectl");
    expect(await refusal(bench)).toMatch(/kubectl 1\.29 or newer must be installed/);
  });

  test("names an unavailable Docker daemon, too little memory, and a port in use", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("docker-memory", String(2 * 1024 ** 3));
    expect(await refusal(bench)).toContain("Docker's memory must be at least 3.5 GiB, got 2.0 GiB");
    await bench.set("docker-is-down", "");
    expect(await refusal(bench)).toContain("Docker does not answer: Cannot connect to the Docker daemon");
    await Bun.file(join(bench.folder, "shims/docker-is-down")).delete();
    await bench.set("docker-memory", String(8 * 1024 ** 3));
    const taken = createServer().listen(bench.port, "127.0.0.1");
    const report = await refusal(bench);
    taken.close();
    expect(report).toContain(`Port ${bench.port} of localhost is in use by another program`);
    expect(report).toContain(`  just up PORT=${bench.port + 1}`);
  });

  test("names the problem of an invalid argument or file", async () => {
    await using bench = await setUpWorkbench(programs!);
    expect(await refusal(bench, "csv=x.csv")).toContain("argument must be one of CSV=…, SCRAPE=…, PORT=…");
    expect(await refusal(bench, "PORT=http")).toContain('PORT must be a whole number from 1 to 65535, got "http"');
    expect(await refusal(bench, "CSV=no.csv")).toMatch(/CSV must be an existing file or folder, got \S+no\.csv/);
    const wrong = join(bench.folder, "wrong.csv");
    await Bun.write(wrong, "time,gpu\n");
    const report = await refusal(bench, `CSV=${wrong}`);
    expect(report).toContain("column metric_name or __name__ or metric is missing");
    expect(report).toContain("got:      time,gpu");
  });

  test("prints its commands with --dry-run, and runs none", async () => {
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
  test("shows the reason, and repairs the release in the next run", async () => {
    await using bench = await setUpWorkbench(programs!);
    await bench.set("helm", "helm3");
    bench.server.workloads.becomesReady = (name) => name !== "collector";
    const failed = await bench.just("up", "TIMEOUT=1s");
    expect(failed.code).toBe(1);
    const report = failed.stderr;
    expect(report).toContain("FAILED: Release gpu-telemetry in namespace gpu-telemetry");
    expect(report).toMatch(/^ {2}helm --kube-context kind-gpu-telemetry-cluster .* upgrade --install gpu-telemetry /m);
    expect(report).toContain("context deadline exceeded");
    expect(report).toMatch(/^collector-\S+ +0\/1 +ImagePullBackOff/m);
    expect(report).toMatch(/Last events:\n(.*\n)*.*Failed to pull image "gpu-telemetry:aaaaaaaaaaaa"/);
    expect(report).toMatch(
      /collector-\S+ is not ready \(ImagePullBackOff\)\. Its last log lines:\n.*a line of its log/,
    );
    expect(report).toMatch(/Next:\n {2}kubectl describe pod collector-\S+ .*\n {2}just up TIMEOUT=1s\n/);

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
  });
});
