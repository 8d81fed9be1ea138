import { beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { finished } from "../support/kubernetes/programs.ts";
import { crossChecks } from "../support/manifests/cross-checks.ts";
import { admission, literals, models, type Texts } from "../support/manifests/layers.ts";
import { isLet, type Place } from "../support/manifests/network.ts";
import { ofKind, parseManifests, workloadsOf } from "../support/manifests/objects.ts";
import { CHART, type RenderOptions, render } from "../support/manifests/render.ts";
import { openTools } from "../support/manifests/tools.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";

const tools = await openTools("the chart");

/** Secrets and ConfigMaps that the values files in ci/ expect the user to create. */
const ELSEWHERE = ["Secret/tokens", "Secret/cache", "Secret/database", "Secret/exporters", "ConfigMap/exporters"];

if (tools !== null) {
  const helm = join(tools.programs, "helm");
  const helm3 = join(tools.programs, "helm3");
  const rendered = async (options?: RenderOptions) => parseManifests(await render(helm, options));
  const names = (await readdir(join(CHART, "ci"))).map((file) => file.replace(/-values\.yaml$/, ""));
  const valuesOf = (name: string) => [join(CHART, "ci", `${name}-values.yaml`)];

  describe("each values file in ci/", () => {
    let texts: Texts = {};
    beforeAll(async () => {
      const manifests = names.map((name) => render(helm, { values: valuesOf(name) }));
      texts = Object.fromEntries((await Promise.all(manifests)).map((text, at) => [names[at], text]));
    }, 60_000);

    const nothingFound = Object.fromEntries(names.map((name) => [name, [] as readonly string[]]));

    test("passes helm lint --strict", async () => {
      for (const name of names) {
        const flags = ["lint", "--strict", CHART, ...valuesOf(name).flatMap((file) => ["--values", file])];
        const { code, stdout } = await finished([helm, ...flags]);
        expect({ name, code, stdout }).toMatchObject({
          name,
          code: 0,
          stdout: expect.stringContaining("0 chart(s) failed"),
        });
      }
    }, 60_000);
    test("is accepted by Kubernetes, and meets the restricted pod security standard", async () => {
      expect(await admission(texts, tools)).toEqual(nothingFound);
    }, 60_000);
    test("matches the schemas and types of Kubernetes and of custom resources", async () => {
      expect(await models(texts, tools)).toEqual(nothingFound);
      expect(await literals(texts, tools)).toEqual(nothingFound);
    }, 60_000);
    test("passes our cross-checks", () => {
      for (const [name, text] of Object.entries(texts)) {
        expect({ name, problems: crossChecks(text, ELSEWHERE) }).toEqual({ name, problems: [] });
      }
    });
    test("is rendered completely: every value occurs in the manifests", async () => {
      const words = (value: unknown): string[] =>
        typeof value === "object" && value !== null ? Object.values(value).flatMap(words) : [String(value)];
      for (const [name, text] of Object.entries(texts)) {
        const values = words(parse(await Bun.file(valuesOf(name)[0] ?? "").text()));
        const isThere = (word: string) => text.includes(word) || text.includes(btoa(word));
        expect([name, values.filter((word) => !isThere(word))]).toEqual([name, []]);
      }
    });
    test("is rendered equally by Helm 3 and 4", async () => {
      const set = { "auth.internalToken": "a", "redis.auth.password": "b", "mongodb.auth.rootPassword": "c" };
      const more = { ...set, "mongodb.auth.password": "d", "mongodb.auth.keyfile": "e" };
      const inFull = names.filter((name) => name === "default" || name === "scaled");
      for (const name of inFull) {
        const [four, three] = await Promise.all(
          [helm, helm3].map((one) => render(one, { values: valuesOf(name), set: more })),
        );
        expect(parseManifests(three ?? "")).toEqual([...parseManifests(four ?? "")]);
      }
    }, 60_000);
  });

  test("invalid or conflicting values are refused, with the accepted ones in the message", async () => {
    const gzip = (bytes: number) =>
      Buffer.concat([Buffer.from([0x1f, 0x8b]), randomBytes(bytes - 2)]).toString("base64");
    await using folder = await temporaryFolder();
    const file = (name: string) => join(folder.path, name);
    await Bun.write(file("large.b64"), gzip(368_641));
    await Bun.write(file("plain.b64"), Buffer.from("timestamp,metric_name\n").toString("base64"));
    const refused: readonly (readonly [RenderOptions, string])[] = [
      [{ set: { "colector.replicas": 3 } }, "additional properties 'colector' not allowed"],
      [{ set: { "collector.replicas": "two" } }, "got string, want integer"],
      [{ set: { "collector.pod.nodeSelektor.a": "b" } }, "additional properties 'nodeSelektor' not allowed"],
      [{ set: { "image.digest": "sha256:abc" } }, "/image/digest"],
      [{ set: { "streamer.interval": "fast" } }, "/streamer/interval"],
      [{ set: { "collector.keda.minReplicas": 0 } }, "minimum: got 0, want 1"],
      [{ set: { "apiGateway.terminationGracePeriodSeconds": 10 } }, "minimum: got 10, want 30"],
      [{ set: { "scraper.enabled": true, format: "1" } }, "scraper.enabled needs format=2"],
      [{ set: { "scraper.kubernetes[0]": "gpu-operator" } }, "/scraper/kubernetes/0"],
      [{ set: { "scraper.files.names[0]": "a.json" } }, "scraper.files.existingConfigMap must be the ConfigMap"],
      [{ set: { "scraper.credentials.tokenKey": "t" } }, "must be the Secret with the keys t, got an empty value"],
      [{ set: { "redis.external.addr": "redis.example.com:6379" } }, "set redis.enabled=false to use your own Redis"],
      [{ set: { "redis.enabled": false } }, "redis.external.addr must be host:port of your own Redis"],
      [{ set: { "mongodb.external.existingSecret": "database" } }, "set mongodb.enabled=false to use your own MongoDB"],
      [
        { set: { "mongodb.enabled": false } },
        "mongodb.external.existingSecret must be a Secret with the connection string",
      ],
      [
        { set: { "streamer.csv.existingClaim": "a", "streamer.csv.existingConfigMap": "b" } },
        "must have at most one of gzip, existingConfigMap",
      ],
      [
        { files: { "streamer.csv.gzip": file("large.b64") } },
        "must be at most 368640 bytes compressed, because Helm keeps the release in a Secret of 1 MiB, got 368641",
      ],
      [{ files: { "streamer.csv.gzip": file("plain.b64") } }, "must be a gzip file in base64"],
      [
        { set: { "collector.autoscaling.enabled": true, "collector.keda.enabled": true } },
        "collector must have at most one of autoscaling and keda enabled",
      ],
      [
        { set: { "inventory.autoscaling.enabled": true, "inventory.autoscaling.minReplicas": 9 } },
        "must be at least minReplicas (9), got 5",
      ],
    ];
    for (const [options, message] of refused) {
      const answer = await render(helm, options).then(
        () => "accepted",
        (error: Error) => error.message,
      );
      expect(answer).toContain(message);
    }
  }, 60_000);

  test("a random secret is the same everywhere in one render, and the only difference between renders", async () => {
    const isRandom = (line: string) =>
      /checksum\/secret|^ {2}(internal-token|password|root-password|keyfile|uri): /.test(line);
    const [one, other] = (await Promise.all([render(helm), render(helm)])).map((text) => text.split("\n"));
    expect(one?.filter((line) => !isRandom(line))).toEqual(other?.filter((line) => !isRandom(line)) as string[]);
    const objects = parseManifests(one?.join("\n") ?? "");
    const sums = workloadsOf(objects).flatMap(({ annotations }) => annotations["checksum/secret-mongodb"] ?? []);
    expect([sums.length, new Set(sums).size]).toEqual([4, 1]);
    const mongodb = ofKind(objects, "Secret").find(({ metadata }) => metadata.name === "mongodb")?.data ?? {};
    const plain = (key: string) => Buffer.from(mongodb[key] ?? "", "base64").toString();
    expect(plain("uri")).toBe(`mongodb://telemetry:${plain("password")}@mongodb:27017/gpu_telemetry?replicaSet=rs0`);
    expect(plain("keyfile")).toMatch(/^[A-Za-z0-9]{48}$/);
  }, 60_000);

  test("a changed secret or configuration replaces the pods that use it, and no others", async () => {
    const fixed = { "auth.internalToken": "a", "redis.auth.password": "b", "mongodb.auth.rootPassword": "c" };
    const set = { ...fixed, "mongodb.auth.password": "d", "mongodb.auth.keyfile": "e" };
    const templates = async (more: Record<string, string>) =>
      new Map(
        workloadsOf(await rendered({ set: { ...set, ...more } })).map(({ object, annotations }) => [
          object.metadata.name,
          JSON.stringify(annotations),
        ]),
      );
    const before = await templates({});
    const replaced = async (more: Record<string, string>) => {
      const after = await templates(more);
      return [...after.keys()].filter((name) => after.get(name) !== before.get(name)).sort();
    };
    const ours = ["api-gateway", "collector", "inventory", "queue-service", "scraper", "streamer", "telemetry"];
    expect(await replaced({})).toEqual([]);
    expect(await replaced({ "auth.internalToken": "z" })).toEqual(ours);
    expect(await replaced({ "redis.auth.password": "z" })).toEqual([
      "collector",
      "queue-service",
      "redis",
      "telemetry",
    ]);
    expect(await replaced({ "mongodb.auth.password": "z" })).toEqual([
      "collector",
      "inventory",
      "mongodb",
      "telemetry",
    ]);
    expect(await replaced({ "redis.maxMemory": "1gb" })).toEqual(["redis"]);
  }, 60_000);

  test("a scraper may follow the endpoints of its services, and no other pod calls Kubernetes", async () => {
    const set = {
      "scraper.enabled": true,
      "scraper.replicas": 2,
      "scraper.kubernetes[0]": "gpu-operator/nvidia-dcgm-exporter",
      "scraper.kubernetes[1]": "gpus/dcgm:9400",
      "scraper.kubernetes[2]": "gpus/other",
    };
    const objects = await rendered({ set });
    const roles = ofKind(objects, "Role", "RoleBinding").map(({ kind, metadata }) => `${kind} ${metadata.namespace}`);
    expect(roles.sort()).toEqual(["Role gpu-operator", "Role gpus", "RoleBinding gpu-operator", "RoleBinding gpus"]);
    const withToken = workloadsOf(objects).filter(({ pod }) => pod.automountServiceAccountToken);
    expect(withToken.map(({ object }) => object.metadata.name)).toEqual(["scraper"]);
    const labels = withToken[0]?.labels ?? {};
    const anywhere: Place = { labels: {}, namespace: null, port: 0, protocol: "TCP" };
    const reached = [9400, 443, 6443, 27_017].filter((port) =>
      isLet(objects, labels, "Egress", anywhere, { ...anywhere, port }),
    );
    expect(reached).toEqual([9400, 443, 6443]);
    expect(ofKind(objects, "PodDisruptionBudget").map(({ metadata }) => metadata.name)).toContain("scraper");
    const without = await rendered({});
    expect(ofKind(without, "Role")).toEqual([]);
    const [scraper] = ofKind(without, "StatefulSet").filter(({ metadata }) => metadata.name === "scraper");
    expect(scraper?.spec?.replicas).toBe(0);
  }, 60_000);

  test("network policies let callers outside the cluster reach only the API, through a NodePort too", async () => {
    const objects = await rendered({
      set: { "apiGateway.service.type": "NodePort", "apiGateway.service.nodePort": 30_080 },
    });
    const [service] = ofKind(objects, "Service").filter(({ metadata }) => metadata.name === "api-gateway");
    expect(service?.spec).toMatchObject({ type: "NodePort", ports: [{ port: 8080, nodePort: 30_080 }] });
    const outside: Place = { labels: {}, namespace: null, port: 8080, protocol: "TCP" };
    const open = workloadsOf(objects).filter(({ labels }) => isLet(objects, labels, "Ingress", outside, outside));
    expect(open.map(({ object }) => object.metadata.name)).toEqual(["api-gateway"]);
  }, 60_000);

  test("features that the cluster lacks are left out: custom resources, and the preStop sleep", async () => {
    const values = valuesOf("scaled");
    const kinds = (objects: Awaited<ReturnType<typeof rendered>>) => new Set(objects.map(({ kind }) => kind));
    expect(kinds(await rendered({ values }))).toContain("ServiceMonitor");
    expect(kinds(await rendered({ values, apis: [] }))).not.toContain("ServiceMonitor");
    const sleeps = async (kubeVersion: string) => (await render(helm, { kubeVersion })).includes("sleep:");
    expect([await sleeps("1.27.3"), await sleeps("1.30.0")]).toEqual([false, true]);
    expect(await render(helm, { kubeVersion: "1.26.0" }).catch((error: Error) => error.message)).toContain(
      "kubeVersion",
    );
  }, 60_000);
}
