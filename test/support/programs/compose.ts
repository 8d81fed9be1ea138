/** Runs infra/compose.yaml unchanged, as its own project, with images of this machine. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "bun";
import { freePort } from "../servers/free-port.ts";
import { eventually } from "../time/eventually.ts";
import { inspect, STAND_INS } from "./image.ts";
import { ROOT } from "./process.ts";

const FILE = join(ROOT, "infra/compose.yaml");

export interface Composition extends AsyncDisposable {
  /** URL of the API, on the published port. */
  readonly url: string;
  /** Container ids by service. */
  readonly containers: Readonly<Record<string, string>>;
  /** Returns all logs of the service. */
  logs(service: string): Promise<string>;
  /** Returns the IP address of the service in its network. */
  address(service: string): Promise<string>;
  /** Resolves once every container with a health check is healthy. */
  healthy(): Promise<void>;
}

interface Command {
  run(...args: readonly string[]): Promise<string>;
}

/** Finds `docker compose` or `docker-compose`, which takes the same arguments but no `name` in the file. */
async function composeCommand(project: string, env: Readonly<Record<string, string>>): Promise<Command> {
  const isPlugin = (await $`docker compose version`.nothrow().quiet()).exitCode === 0;
  const text = await readFile(FILE, "utf8");
  const input = new Response(isPlugin ? text : text.replace(/^name: .*$/m, ""));
  const body = await input.blob();
  const command = isPlugin ? ["docker", "compose"] : ["docker-compose"];
  const where = ["--project-name", project, "--project-directory", join(ROOT, "infra"), "--file", "-"];
  return {
    run: (...args) =>
      $`${command} ${where} ${args} < ${body}`
        .env({ ...process.env, ...env })
        .quiet()
        .text(),
  };
}

/** Starts the services; they may not be healthy yet. @param env variables of the file other than images and port */
export async function openComposition(image: string, env: Readonly<Record<string, string>>): Promise<Composition> {
  const port = await freePort();
  const project = `gpu-telemetry-test-${port}`;
  const compose = await composeCommand(project, { ...STAND_INS, IMAGE: image, PORT: `${port}`, ...env });
  const down = () => compose.run("down", "--volumes", "--timeout", "1");
  try {
    await compose.run("up", "--detach", "--no-build");
    const listed = await $`docker ps --all --quiet --filter label=com.docker.compose.project=${project}`.quiet().text();
    const ids = listed.trim().split("\n");
    const labels = await Promise.all(ids.map(async (id) => (await inspect(id)).Config.Labels));
    const containers = Object.fromEntries(labels.map((of, index) => [of["com.docker.compose.service"], ids[index]]));
    return {
      url: `http://127.0.0.1:${port}`,
      containers,
      logs: async (service) => await $`docker logs ${containers[service]} 2>&1`.quiet().text(),
      address: async (service) => {
        const { NetworkSettings } = await inspect(containers[service]);
        return (Object.values(NetworkSettings.Networks)[0] as { IPAddress: string }).IPAddress;
      },
      healthy: async () => {
        const states = async () => await $`docker inspect --format ${"{{.State.Health.Status}}"} ${ids}`.quiet().text();
        await eventually(async () => /^(healthy\n)+$/.test(await states()), { what: "all healthy" });
      },
      [Symbol.asyncDispose]: async () => void (await down()),
    };
  } catch (error) {
    await down();
    throw error;
  }
}
