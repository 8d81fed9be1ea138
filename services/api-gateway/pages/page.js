const byId = (id) => document.getElementById(id);
for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;
for (const button of document.querySelectorAll("pre button")) {
  button.addEventListener("click", () => navigator.clipboard.writeText(button.nextElementSibling.textContent));
}

async function showHealth() {
  const response = await fetch("/health").catch(() => null);
  const { status } = response === null ? { status: "not reachable" } : await response.json();
  byId("health").textContent = status;
  byId("dot").className = status === "healthy" ? "healthy" : "unhealthy";
}

async function showGpus() {
  const response = await fetch("/api/v1/gpus?limit=1").catch(() => null);
  if (response?.ok) byId("gpus").textContent = (await response.json()).total.toLocaleString();
}

let seen = 0;
const query = "subscription { readings { readings { metricName } missed } }";
const events = new EventSource(`/graphql?query=${encodeURIComponent(query)}`);
events.addEventListener("next", ({ data }) => {
  const frame = JSON.parse(data).data?.readings;
  seen += (frame?.readings.length ?? 0) + (frame?.missed ?? 0);
  byId("readings").textContent = seen.toLocaleString();
});

function refresh() {
  showHealth();
  showGpus();
}
refresh();
setInterval(refresh, 5000);
