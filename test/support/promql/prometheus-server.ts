/** A real Prometheus that holds the series of a test. */
import { join } from "node:path";
import { type Labels, labelsOf } from "../../../services/promql/labels.ts";
import type { SourceSeries } from "../../../services/promql/promql.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { freePort } from "../servers/free-port.ts";
import { eventually } from "../time/eventually.ts";

/** Series and their points, as the API's matrix and vector have them. */
export interface AnsweredSeries {
  readonly labels: Labels;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

export interface PrometheusServer extends AsyncDisposable {
  /** @throws Error with Prometheus' message */
  queryRange(query: string, start: number, end: number, step: number): Promise<AnsweredSeries[]>;
  queryInstant(query: string, time: number): Promise<AnsweredSeries[]>;
}

async function output(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${errors}`);
  return text;
}

const BUILD = join(import.meta.dir, "build");

/** One line per sample; a metric's lines must stand together. */
function openMetrics(series: readonly SourceSeries[]): string {
  const lines = series.flatMap(({ labels, times, values }) => {
    const pairs: string[] = [];
    for (let at = 0; at < labels.length; at += 2) {
      if (labels[at] !== "__name__") pairs.push(`${labels[at]}=${JSON.stringify(labels[at + 1])}`);
    }
    const head = `${labels[labels.indexOf("__name__") + 1]}{${pairs.join(",")}}`;
    return Array.from(times, (time, index) => `${head} ${values[index]} ${time / 1000}`);
  });
  return `${lines.join("\n")}\n# EOF\n`;
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly resultType: string;
    readonly result:
      | readonly [number, string]
      | readonly { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }[];
  };
}

const numberOf = (text: string): number =>
  text.endsWith("Inf") ? Number(text.replace("Inf", "Infinity")) : Number(text);

function seriesOf({ data }: Answer): AnsweredSeries[] {
  if (data === undefined) throw new Error("answer must have data");
  if (data.resultType === "scalar") {
    const [time, value] = data.result as readonly [number, string];
    return [{ labels: [], points: [[time, numberOf(value)]] }];
  }
  const rows = data.result as readonly {
    metric: Record<string, string>;
    value?: [number, string];
    values?: [number, string][];
  }[];
  return rows.map(({ metric, value, values }) => ({
    labels: labelsOf(Object.entries(metric)),
    points: (values ?? [value!]).map(([time, text]): [number, number] => [time, numberOf(text)]),
  }));
}

/** Starts a Prometheus on these series; resolves once it answers. */
export async function startPrometheus(series: readonly SourceSeries[]): Promise<PrometheusServer> {
  const programs = (await output([BUILD])).trim();
  const folder = await temporaryFolder();
  const file = join(folder.path, "samples.om");
  await Bun.write(file, openMetrics(series));
  const data = join(folder.path, "data");
  await output([join(programs, "promtool"), "tsdb", "create-blocks-from", "openmetrics", file, data]);
  const config = join(folder.path, "prometheus.yml");
  await Bun.write(config, "global: {}\n");
  const address = `127.0.0.1:${await freePort()}`;
  const paths = [`--config.file=${config}`, `--storage.tsdb.path=${data}`, "--storage.tsdb.retention.time=100y"];
  const child = Bun.spawn([join(programs, "prometheus"), ...paths, `--web.listen-address=${address}`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, GOMEMLIMIT: "512MiB", GOMAXPROCS: "2" },
  });
  const ask = async (path: string, parameters: Record<string, string>): Promise<AnsweredSeries[]> => {
    const response = await fetch(`http://${address}/api/v1/${path}`, {
      method: "POST",
      body: new URLSearchParams(parameters),
    });
    const answer = (await response.json()) as Answer;
    if (answer.status !== "success") throw new Error(answer.error);
    return seriesOf(answer);
  };
  const server: PrometheusServer = {
    queryRange: (query, start, end, step) =>
      ask("query_range", { query, start: String(start), end: String(end), step: String(step) }),
    queryInstant: (query, time) => ask("query", { query, time: String(time) }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
        return fetch(`http://${address}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      { what: `prometheus at ${address} is ready` },
    );
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}
