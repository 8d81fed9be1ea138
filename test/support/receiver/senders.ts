/** Real senders of remote write that scrape exporters: Prometheus and vmagent. */
import { join } from "node:path";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { freePort } from "../servers/free-port.ts";

export interface SenderSetup {
  /** Addresses of exporters: host:port. */
  readonly targets: readonly string[];
  /** Where remote write goes. */
  readonly url: string;
  /** External labels of the sender. */
  readonly labels?: Readonly<Record<string, string>>;
}

const INTERVAL = "1s";
const PROMETHEUS = join(import.meta.dir, "../promql/build");

/** Folder of Debian's Prometheus; undefined if it cannot be had. */
export async function prometheusFolder(): Promise<string | undefined> {
  const child = Bun.spawn([PROMETHEUS], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text.trim() : undefined;
}

const scrapeConfig = ({ targets, labels = {} }: SenderSetup) => ({
  global: { scrape_interval: INTERVAL, external_labels: labels },
  scrape_configs: [{ job_name: "gpu", static_configs: [{ targets }] }],
});

function spawn(command: readonly string[], folder: AsyncDisposable): AsyncDisposable {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, GOMEMLIMIT: "256MiB", GOMAXPROCS: "1" },
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function startPrometheusSender(programs: string, setup: SenderSetup): Promise<AsyncDisposable> {
  const folder = await temporaryFolder();
  const config = join(folder.path, "prometheus.yml");
  const remote = { remote_write: [{ url: setup.url, queue_config: { batch_send_deadline: "1s" } }] };
  await Bun.write(config, JSON.stringify({ ...scrapeConfig(setup), ...remote }));
  const listen = `--web.listen-address=127.0.0.1:${await freePort()}`;
  return spawn(
    [join(programs, "prometheus"), `--config.file=${config}`, `--storage.tsdb.path=${folder.path}/data`, listen],
    folder,
  );
}

export async function startVmagent(program: string, setup: SenderSetup): Promise<AsyncDisposable> {
  const folder = await temporaryFolder();
  const config = join(folder.path, "scrape.yml");
  await Bun.write(config, JSON.stringify(scrapeConfig(setup)));
  return spawn(
    [
      program,
      `-promscrape.config=${config}`,
      `-remoteWrite.url=${setup.url}`,
      `-remoteWrite.tmpDataPath=${folder.path}/data`,
      `-httpListenAddr=127.0.0.1:${await freePort()}`,
    ],
    folder,
  );
}
