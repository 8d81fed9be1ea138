import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { $ } from "bun";
import { GenericContainer, Wait } from "testcontainers";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { type GraphqlAnswer, postGraphql } from "../../support/api/graphql-answer.ts";
import { NumberedFleet } from "../../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { type Composition, openComposition } from "../../support/programs/compose.ts";
import { buildImage, filesOf, haveContainers, inspect } from "../../support/programs/image.ts";
import { ROOT } from "../../support/programs/process.ts";
import { isDrained } from "../../support/queue/drained.ts";
import { compareDocuments } from "../../support/repository/stored-fleet.ts";
import { eventually } from "../../support/time/eventually.ts";

const SYSTEM_TEST = join(ROOT, "test/e2e/system-test.sh");
const SERVICES = ["streamer", "queue-service", "collector", "inventory", "telemetry", "api-gateway"] as const;
/** Limit for the size of the image, of which Bun takes 107 MB. */
const MAX_IMAGE_BYTES = 150e6;

let image = "";
afterAll(async () => void (await $`docker image rm --no-prune ${image}`.nothrow().quiet()));

describe.skipIf(!(await haveContainers("the image")))("the image", () => {
  beforeAll(async () => {
    image = await buildImage();
  }, 300_000);

  test("is small, runs as its own user, and has a health check and labels", async () => {
    const { Size, Config } = await inspect(image);
    expect(Size).toBeLessThan(MAX_IMAGE_BYTES);
    expect(Config).toMatchObject({
      User: "10001:10001",
      Healthcheck: { Test: expect.arrayContaining(["CMD", "healthcheck"]) },
      Labels: {
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.revision": (await $`git rev-parse HEAD`.text()).trim(),
        "org.opencontainers.image.version": image.split(":")[1],
      },
    });
    expect(Config.Env).toEqual(
      expect.arrayContaining(["HOST=0.0.0.0", "PORT=8080", "CSV_PATH=/data/dcgm_metrics.csv", "NODE_ENV=production"]),
    );
  });

  test("has only Bun, its libraries and the bundle: no shell, package manager, sources or tests", async () => {
    const engines = /^(dev|proc|sys)\/|^\.dockerenv$|^etc\/(hosts|hostname|resolv\.conf|mtab)$/;
    const files = (await filesOf(image)).filter(({ path }) => !engines.test(path) && !path.endsWith("/"));
    const paths = files.map(({ path }) => path).sort();
    const libraries = paths.filter((path) => path.startsWith("lib")).map((path) => basename(path));
    expect(libraries.sort()).toEqual([
      ...[
        expect.stringMatching(/^ld-linux-[\w-]+\.so\.\d$/),
        "libc.so.6",
        "libdl.so.2",
        "libm.so.6",
        "libpthread.so.0",
      ],
    ]);
    expect(paths.filter((path) => !/^(lib|app\/)/.test(path))).toEqual([
      ...["data/dcgm_metrics.csv", "etc/group", "etc/nsswitch.conf", "etc/os-release", "etc/passwd"],
      ...["usr/local/bin/bun", "var/lib/dpkg/status.d/libc6"],
    ]);
    const kinds = new Set(paths.filter((path) => path.startsWith("app/")).map((path) => extname(path)));
    expect([...kinds].sort()).toEqual([
      "",
      ".css",
      ".graphql",
      ".html",
      ".js",
      ".json",
      ".node",
      ".png",
      ".svg",
      ".yaml",
    ]);
    expect(files.filter(({ mode }) => /s/i.test(mode))).toEqual([]);
  });

  test.each([[[]], [["collectors"]], [["collector", "now"]]])(
    "started with %j lists the programs that it can start",
    async (args) => {
      const { exitCode, stderr } = await $`docker run --rm ${image} ${args}`.nothrow().quiet();
      expect([exitCode, stderr.toString()]).toEqual([2, expect.stringContaining("argument must be one of streamer, ")]);
    },
  );

  test("runs all-in-one with a volume as the only place to write to, pages and planner included", async () => {
    await using container = await new GenericContainer(image)
      .withCommand(["all-in-one"])
      .withDroppedCapabilities("ALL")
      .withSecurityOpt("no-new-privileges")
      .withTmpFs({ "/app/.data": "uid=10001,gid=10001" })
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forHttp("/readyz", 8080))
      .start();
    const url = `http://${container.getHost()}:${container.getMappedPort(8080)}`;
    for (const path of ["/", "/swagger/index.html", "/swagger/swagger-ui-bundle.js", "/openapi.yaml"]) {
      expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
    }
    const graphiql = await fetch(`${url}/graphql`, { headers: { accept: "text/html" } });
    expect(await graphiql.text()).toContain("GPU telemetry");
    const query = "{ gpus(limit: 1) { total gpus { latest { value } } } queues { ready } }";
    const ask = async () => {
      const answer = await fetch(`${url}/graphql?query=${encodeURIComponent(query)}`);
      const { data } = (await answer.json()) as GraphqlAnswer;
      return data?.gpus?.total === 24 && data;
    };
    // The program may still be reading the sample.
    expect(await eventually(ask, { what: "the whole sample fleet" })).toMatchObject({
      queues: [{ ready: expect.any(Number) }],
    });
  });
});

describe.skipIf(!(await haveContainers("infra/compose.yaml")))("infra/compose.yaml", () => {
  const fleet = new NumberedFleet({ gpus: 8, ticks: 160, seed: 7 });
  const stack = new AsyncDisposableStack();
  let services: Composition;
  beforeAll(async () => {
    const folder = stack.use(await temporaryFolder());
    await chmod(folder.path, 0o755);
    await fleet.write(folder.path, 1);
    // Slow enough to still run during the first tests and the stop.
    const pace = { LOOP_MODE: "false", TIMESTAMPS: "source", STREAM_INTERVAL: "40ms", BATCH_SIZE: "100" };
    services = stack.use(await openComposition(image || (await buildImage()), { CSV: folder.path, ...pace }));
  }, 300_000);
  afterAll(() => stack.disposeAsync(), 60_000);

  const ask = async (query: string) => {
    const answer = await postGraphql(`${services.url}/graphql`, JSON.stringify({ query }));
    return ((await answer.json()) as GraphqlAnswer).data;
  };
  const queue = async () =>
    (await ask("{ queues { ready leased delayed dead counters { published acked } } }")).queues[0];

  test("runs every service healthy, read-only, as its own user and without capabilities", async () => {
    await services.healthy();
    for (const name of SERVICES) {
      const { State, HostConfig } = await inspect(services.containers[name] as string);
      const { ReadonlyRootfs, CapDrop, Memory } = HostConfig;
      expect([name, ReadonlyRootfs, CapDrop, Memory > 0]).toEqual([name, true, ["ALL"], true]);
      const status = await readFile(`/proc/${State.Pid}/status`, "utf8");
      expect([name, status]).toEqual([name, expect.stringMatching(/^Uid:\t10001\t10001\t10001\t10001$/m)]);
      expect([name, status]).toEqual([name, expect.stringMatching(/^CapEff:\t0+$/m)]);
      expect([name, status]).toEqual([name, expect.stringMatching(/^NoNewPrivs:\t1$/m)]);
    }
    const ready = await fetch(`${services.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  });

  test("publishes only the API, and only to this machine", async () => {
    for (const [name, id] of Object.entries(services.containers)) {
      const { HostConfig } = await inspect(id);
      const published = Object.values(HostConfig.PortBindings ?? {}).flat();
      const expected = name === "api-gateway" ? [{ HostIp: "127.0.0.1", HostPort: new URL(services.url).port }] : [];
      expect([name, published]).toEqual([name, expected]);
    }
    const inventory = await services.address("inventory");
    expect((await postGraphql(`http://${inventory}:8080/graphql`, "{}")).status).toBe(401);
  });

  test("logs the published secret and the files found before anything else", async () => {
    const linesOf = async () => (await services.logs("streamer")).split("\n").filter((line) => line !== "");
    await eventually(async () => (await linesOf()).length >= 2, { what: "the first lines of the streamer" });
    const lines = (await linesOf()).slice(0, 2);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { message: "a secret is public: replace the value from the examples", variable: "INTERNAL_TOKEN" },
      { message: "files found", files: [{ path: "/csv/part-0.csv", columns: DCGM_HEADER }] },
    ]);
  });

  test("loses and repeats nothing when the collector is stopped under load", async () => {
    const id = services.containers.collector as string;
    const isStoring = async () => (await queue()).counters.acked > 20;
    await eventually(() => isStoring().catch(() => false), { what: "stored batches" });
    await $`docker stop --time 30 ${id}`.quiet();
    const { State } = await inspect(id);
    expect(State).toMatchObject({ ExitCode: 0, OOMKilled: false });
    expect(await services.logs("collector")).toContain('"message":"stopped"');
    const stopped = await queue();
    expect(stopped).toMatchObject({ leased: 0, dead: 0 });
    expect(stopped.counters.acked).toBeLessThan((fleet.readings / 100) * 0.9);
    await $`docker start ${id}`.quiet();
    const streamer = services.containers.streamer as string;
    await eventually(async () => (await inspect(streamer)).State.Status === "exited", {
      what: "the end of the file",
      deadlineMs: 80_000,
    });
    await eventually(async () => isDrained(await queue()), { what: "everything stored", deadlineMs: 80_000 });
    expect((await inspect(streamer)).State.ExitCode).toBe(0);
    const uri = `mongodb://${await services.address("mongodb")}:27017`;
    expect(await compareDocuments(uri, "gpu_telemetry", fleet)).toMatchObject({
      ...{ readings: fleet.readings, lost: 0, twice: 0, altered: 0 },
    });
  }, 200_000);

  test("passes the system test, logs included", async () => {
    await using logs = await temporaryFolder();
    for (const name of SERVICES) await Bun.write(`${logs.path}/${name}.log`, await services.logs(name));
    const env = { ...process.env, API_URL: services.url, LOGS_DIR: logs.path, STRICT: "1", STATIC: "1" };
    const { exitCode, stdout } = await $`${SYSTEM_TEST}`.env(env).nothrow().quiet();
    expect([exitCode, stdout.toString()]).toEqual([0, expect.stringContaining("12 ")]);
  }, 120_000);
});
