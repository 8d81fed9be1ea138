// Sends the requests that a user would try first until they succeed or the pod's deadline ends them.
const { API_URL, API_TOKEN } = process.env;
const headers = API_TOKEN ? { authorization: `Bearer ${API_TOKEN}` } : {};

async function ask(path) {
  const response = await fetch(API_URL + path, { headers, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function until(what, path, isRight) {
  for (let last = ""; ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    try {
      const body = await ask(path);
      if (isRight(body)) return console.log(`ok      ${what}`), body;
      throw new Error(JSON.stringify(body).slice(0, 300));
    } catch (error) {
      const { message } = error;
      if (message !== last) console.log(`waiting ${what}: GET ${path}: ${message}`);
      last = message;
    }
  }
}

await until("all parts answer", "/health", ({ status }) => status === "healthy");
const { gpus } = await until("GPUs are listed", "/api/v1/gpus?limit=1", ({ gpus }) => gpus.length > 0);
await until("readings are there", `/api/v1/gpus/${gpus[0].uuid}/telemetry?limit=1`, ({ count }) => count > 0);
