/** Shows version and uptime of the server, and the state of each part. */
const byId = (id) => document.getElementById(id);

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function spanOf(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[UNITS.length - 1];
  const count = Math.floor(seconds / size);
  return `${count.toLocaleString()} ${unit}${count === 1 ? "" : "s"}`;
}

/** @param health the answer of `/health` */
export function showParts({ version, uptimeSeconds, wiring, subgraphs, sample }, health) {
  byId("about").textContent = `Version ${version}, up for ${spanOf(uptimeSeconds)}`;
  byId("sample").hidden = sample !== true;
  const unavailable = health?.dependencies ?? {};
  const parts =
    wiring === "embedded"
      ? [["all-in-one", Object.keys(unavailable).length === 0 ? "everything in one process" : "one process"]]
      : [
          ["api-gateway", "answers"],
          ...subgraphs.filter((name) => !(name in unavailable)).map((name) => [name, "answers"]),
        ];
  byId("parts").replaceChildren(
    ...parts.map(([name, state]) => partOf(name, state, true)),
    ...Object.entries(unavailable).map(([name, state]) => partOf(name, state, false)),
  );
}

function partOf(name, state, isAvailable) {
  const part = document.createElement("li");
  part.className = isAvailable ? "available" : "unavailable";
  const title = document.createElement("b");
  title.textContent = name;
  part.append(title, ` ${state}`);
  return part;
}
