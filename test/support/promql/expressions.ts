/** Expressions of our own in the shapes that dashboards and alert rules use. */

const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const POWER = "DCGM_FI_DEV_POWER_USAGE";
const USED = "DCGM_FI_DEV_FB_USED";
const FREE = "DCGM_FI_DEV_FB_FREE";
const ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION";
const XID = "DCGM_FI_DEV_XID_ERRORS";

const GROUPINGS = ["", " by (Hostname)", " by (namespace, gpu)", " without (gpu, UUID, instance)", " by (none)"];
const AGGREGATIONS = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "group"];
const OPERANDS = [UTIL, `avg_over_time(${POWER}[5m])`, `${USED} / (${USED} + ${FREE}) * 100`, `rate(${ENERGY}[2m])`];

const OVER_TIME = ["avg", "sum", "min", "max", "count", "last", "stddev", "stdvar", "present"];
const RATES = ["rate", "increase", "delta", "irate", "idelta", "deriv", "resets", "changes"];

const SINGLE = [
  ...[UTIL, `${UTIL}{gpu="1"}`, `${UTIL}{gpu=~"0|2", Hostname!="node-a"}`, `${UTIL}{exported_pod!~"pod-[01]"}`],
  ...[
    `${UTIL}{exported_pod=""}`,
    `{__name__=~"DCGM_FI_DEV_FB_.*", gpu="0"}`,
    `${UTIL} offset 5m`,
    `${UTIL} offset -5m`,
  ],
  ...["time()", "vector(1)", "scalar(vector(3)) + 2", "pi() * 2", "1 - 2 ^ 3 ^ 0.5 % 4", "-2 ^ 2", "5 > bool 3"],
  ...[
    `-${UTIL}`,
    `${UTIL} * 2 ^ 2`,
    `${UTIL} % 7`,
    `${UTIL} > 50`,
    `${UTIL} > bool 50`,
    `50 < ${UTIL}`,
    `${UTIL} != 0`,
  ],
  ...[`${XID} != 0`, `count(${XID} > 0) or vector(0)`, `count(max_over_time(${XID}[1h]) > 0) or vector(0)`],
  ...[`${POWER} > 250 and ${UTIL} < 30`, `${UTIL} unless (${XID} > 0)`, `${UTIL} > 90 or ${POWER} < 150`],
  ...[`${POWER} and on(exported_pod, gpu) count by (exported_pod, gpu) (${UTIL} >= 10)`],
  ...[`${UTIL} * on(namespace) group_left(team) kube_namespace_labels`],
  ...[`kube_namespace_labels * on(namespace) group_right(team) ${UTIL}`],
  ...[`${USED} / ignoring(namespace) ${FREE}`, `${UTIL} - ${UTIL} offset 10m`, `abs(${UTIL} atan2 ${POWER})`],
  ...[`sum by (namespace) (${POWER}) / on(namespace) group_left() count by (namespace) (${UTIL})`],
  ...[`sum(${POWER} * on(Hostname, gpu) group_left() (${UTIL} > bool 50))`],
  ...[`count(count by (Hostname) (${POWER}))`, `sum(max by (UUID) (${POWER}))`, `quantile(0.95, ${UTIL})`],
  ...[
    `quantile by (Hostname) (0.5, ${POWER})`,
    `topk(2, ${POWER})`,
    `bottomk(3, ${UTIL})`,
    `topk by (Hostname) (1, ${POWER})`,
  ],
  ...[
    `sum(topk(2, avg_over_time(${UTIL}[10m])))`,
    `count_values("xid", ${XID})`,
    `count_values by (Hostname) ("v", ${XID})`,
  ],
  ...[
    `quantile_over_time(0.9, ${UTIL}[10m])`,
    `quantile_over_time(0, ${UTIL}[10m])`,
    `quantile_over_time(0.33, ${POWER}[1h])`,
  ],
  ...[`predict_linear(${USED}[30m], 1800)`, `predict_linear(${USED}[30m], 4 * 3600) > on(gpu, Hostname) ${USED}`],
  ...[
    `max_over_time(rate(${ENERGY}[2m])[20m:1m])`,
    `avg_over_time((count(${UTIL} > 50))[30m:])`,
    `min_over_time(${UTIL}[1h:5m])`,
  ],
  ...[`sum_over_time(count(${UTIL} >= 10)[1h:10m]) / sum_over_time(count(${UTIL})[1h:10m]) * 100`],
  ...[`avg_over_time((100 * (count(${UTIL} >= 10) or vector(0)) / count(${UTIL}))[30m:])`],
  ...[`max by (UUID) (max_over_time((timestamp(${UTIL}) - timestamp(${UTIL} offset 15s))[30m:15s]))`],
  ...[`max(timestamp(${UTIL}))`, `timestamp(${UTIL} * 1)`, `time() - timestamp(${UTIL})`, `absent(${UTIL}{gpu="9"})`],
  ...[
    `absent(${UTIL})`,
    `absent_over_time(${UTIL}{gpu="9", Hostname=~"x"}[5m])`,
    `absent_over_time(${UTIL}{UUID="GPU-2"}[5m])`,
  ],
  ...[`absent(${UTIL}) and on() (count(${POWER}) > 0)`, `histogram_quantile(0.9, rate(latency_seconds_bucket[5m]))`],
  ...[`histogram_quantile(0.5, sum by (le) (latency_seconds_bucket))`, `histogram_quantile(2, latency_seconds_bucket)`],
  ...[
    `label_replace(${POWER}, "host", "$1", "instance", "(.*):.*")`,
    `label_replace(${POWER}, "gpu", "", "gpu", ".*")`,
  ],
  ...[`sum by (host) (label_replace(${POWER}, "host", "$1:9100", "instance", "([^:]+):\\\\d+"))`],
  ...[`label_join(${POWER}, "id", "/", "Hostname", "gpu")`, `clamp(${UTIL}, 20, 80)`, `clamp_min(${UTIL}, 50)`],
  ...[`clamp_max(${UTIL}, 50)`, `clamp(${UTIL}, 80, 20)`, `round(${UTIL})`, `round(${UTIL}, 0.5)`, `ceil(${UTIL} / 7)`],
  ...[
    `floor(${UTIL} / 7)`,
    `abs(${UTIL} - 50)`,
    `sqrt(${UTIL})`,
    `exp(${UTIL} / 100)`,
    `ln(${UTIL} + 1)`,
    `log2(${POWER})`,
  ],
  ...[`log10(${POWER})`, `sgn(${UTIL} - 50)`, `sin(${UTIL})`, `cosh(${UTIL} / 100)`, `deg(${UTIL})`, `rad(${UTIL})`],
  ...["hour()", "minute()", "day_of_week()", "day_of_month()", "days_in_month()", "month()", "year()"],
  ...[`hour(${POWER} * 1000)`, `day_of_year(${USED} * 20000)`, `${UTIL} @ end()`, `rate(${ENERGY}[5m] @ start())`],
  ...[
    `${UTIL} @ 1767229207`,
    `avg_over_time(${UTIL}[10m] @ 1767229203.5 offset 5m)`,
    `sum(${UTIL} @ end()) - sum(${UTIL})`,
  ],
  ...[
    `scalar(${UTIL}{UUID="GPU-0"}) * 2`,
    `scalar(${UTIL})`,
    `vector(scalar(sum(${UTIL})))`,
    `${UTIL} > scalar(avg(${UTIL}))`,
  ],
  ...[`(avg_over_time(${UTIL}[15m]) > 40 and avg_over_time(${POWER}[15m]) < 250 and avg_over_time(${USED}[15m]) > 0)`],
  ...[`increase(${ENERGY}[15m]) > 0`, `sum by (Hostname) (rate(${ENERGY}[5m])) / 1000`, `changes(${XID}[5m])`],
];

/** Every expression once. */
export function expressions(): string[] {
  const aggregated = AGGREGATIONS.flatMap((name) =>
    GROUPINGS.flatMap((grouping) => OPERANDS.map((operand) => `${name}${grouping} (${operand})`)),
  );
  const overTime = OVER_TIME.flatMap((name) =>
    [UTIL, POWER, XID].flatMap((metric) =>
      ["1m", "10m", "1h"].map((range) => `${name}_over_time(${metric}[${range}])`),
    ),
  );
  const rates = RATES.flatMap((name) =>
    [ENERGY, POWER].flatMap((metric) => ["1m", "5m", "30m"].map((range) => `${name}(${metric}[${range}])`)),
  );
  return [...new Set([...SINGLE, ...aggregated, ...overTime, ...rates])];
}
