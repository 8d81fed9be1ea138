/** A target of scrapes: an address, and the labels that Prometheus would attach to its samples. */
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { shown } from "../../../schema/model/shown.ts";

export interface Target {
  readonly url: string;
  /** Sorted by name, with `job` and `instance`, without names that begin with `__` and without empty values. */
  readonly labels: ReadonlyMap<string, string>;
  /** Equal for targets with the same address and labels. */
  readonly key: string;
}

/** The job of a target whose labels name none. */
const DEFAULT_JOB = "dcgm-exporter";
const DEFAULT_PATH = "/metrics";
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const PARAMETER = /^__param_(.+)$/;
const ADDRESS = /^(?:\[[\da-fA-F:.]+\]|[^\s:/@?#[\]]+)(?::(\d{1,5}))?$/;

/** Describes the accepted text in error messages. */
export const TARGET_FORM = "host:port or a URL such as http://host:9400/metrics, without a user name";

function urlOf(address: string, labels: Readonly<Record<string, string>>): URL | undefined {
  const { __scheme__: scheme = "http", __metrics_path__: path = DEFAULT_PATH } = labels;
  const isUrl = /^https?:\/\//.test(address);
  if (!isUrl && !ADDRESS.test(address)) return undefined;
  const text = isUrl ? address : `${scheme}://${address}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.port === "0")
    return undefined;
  url.hash = "";
  if (!isUrl || url.pathname === "/") url.pathname = path;
  for (const [name, value] of Object.entries(labels)) {
    const [, parameter] = PARAMETER.exec(name) ?? [];
    if (parameter !== undefined) url.searchParams.set(parameter, value);
  }
  return url;
}

/** Returns `host:port`, with the scheme's port if the address has none. */
const instanceOf = ({ hostname, port, protocol }: URL): string =>
  `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;

/**
 * @param labels of the target's group. `__scheme__`, `__metrics_path__` and `__param_NAME` say how it is scraped; other
 *   names that begin with `__` mean nothing
 */
export function targetOf(address: string, labels: Readonly<Record<string, string>> = {}): Result<Target> {
  const url = urlOf(address, labels);
  if (url === undefined) return fail(`target must be ${TARGET_FORM}, got ${shown(address)}`);
  const wrong = Object.keys(labels).find((name) => !LABEL_NAME.test(name));
  if (wrong !== undefined) return fail(`label name must have letters, digits and _, got ${shown(wrong)}`);
  const given = Object.entries(labels).filter(([name, value]) => !name.startsWith("__") && value !== "");
  const all = new Map([["job", DEFAULT_JOB], ["instance", instanceOf(url)], ...given]);
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  return ok({ url: url.href, labels: new Map(sorted), key: JSON.stringify([url.href, sorted]) });
}
