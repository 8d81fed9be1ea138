/** The table of the hottest GPUs, from the newest readings of three metrics. */
const ROWS = 8;
/** Time between two rankings. Rows that moved every second would be unreadable. */
const RANKED_MS = 5000;
const UNITS = { DCGM_FI_DEV_GPU_TEMP: "°C", DCGM_FI_DEV_GPU_UTIL: "%", DCGM_FI_DEV_POWER_USAGE: "W" };
export const METRICS = Object.keys(UNITS);
const HEAT = METRICS[0];

function addCell(row, name) {
  const cell = document.createElement(name === "host" ? "th" : "td");
  if (name === "host") cell.scope = "row";
  cell.className = name;
  row.append(cell);
  return cell;
}

/** @param body the `tbody` of the table */
export function createHottest(body) {
  const known = new Map();
  const rows = [];
  let ranked = [];
  let rankedAt = Number.NEGATIVE_INFINITY;
  let newestAt = 0;

  const heatOf = (uuid) => known.get(uuid).values.get(HEAT)?.value ?? Number.NEGATIVE_INFINITY;

  function rank() {
    const now = performance.now();
    if (now - rankedAt < RANKED_MS && ranked.length === Math.min(ROWS, known.size)) return;
    rankedAt = now;
    ranked = [...known.keys()].sort((a, b) => heatOf(b) - heatOf(a) || (a < b ? -1 : 1)).slice(0, ROWS);
  }

  function fitRows() {
    while (rows.length < ranked.length) {
      const row = document.createElement("tr");
      const cells = ["host", "index", "holder", ...METRICS].map((name) => addCell(row, name));
      body.append(row);
      rows.push({ row, cells });
    }
    for (const { row } of rows.splice(ranked.length)) row.remove();
  }

  return {
    /** Number of GPUs with a reading. */
    get size() {
      return known.size;
    },
    /** Time of the newest reading, in ms; 0 when there is none. */
    get newestAt() {
      return newestAt;
    },
    /** Keeps the newest value per GPU and metric. An older reading may follow a newer one, just after the snapshot. */
    keep(readings) {
      for (const { gpuUuid, hostname, metricName, value, timestamp } of readings) {
        const metric = metricName.split("{", 1)[0];
        const gpu = known.get(gpuUuid) ?? { hostname, values: new Map() };
        known.set(gpuUuid, gpu);
        const at = Date.parse(timestamp);
        newestAt = Math.max(newestAt, at);
        if (at >= (gpu.values.get(metric)?.at ?? 0)) gpu.values.set(metric, { value, at });
      }
    },
    /** Writes the rows. @param fleet GPUs of the inventory, by uuid */
    show(fleet) {
      rank();
      fitRows();
      for (const [place, uuid] of ranked.entries()) {
        const { hostname, values } = known.get(uuid);
        const { row, cells } = rows[place];
        const gpu = fleet.get(uuid);
        row.title = `${gpu?.modelName ?? ""} ${uuid}`.trim();
        const texts = [hostname, gpu?.gpuIndex ?? "–", gpu?.pod ?? "–"];
        for (const metric of METRICS) {
          const value = values.get(metric)?.value;
          const share = Math.min(100, Math.max(0, value ?? 0));
          if (UNITS[metric] === "%") cells[texts.length].style.setProperty("--share", `${share}%`);
          texts.push(value === undefined ? "–" : `${Math.round(value).toLocaleString()} ${UNITS[metric]}`);
        }
        for (const [column, text] of texts.entries()) {
          if (cells[column].textContent !== text) cells[column].textContent = text;
        }
      }
    },
  };
}
