/** `just up`: a kind cluster with the whole pipeline in it, on http://localhost:8080. */
import { resolve } from "node:path";
import { chooseApiPort } from "./cluster/api-port.ts";
import { ensureCluster } from "./cluster/cluster.ts";
import { type CsvData, deleteOtherCsv, describeCsv, placeCsv, readCsv } from "./cluster/csv.ts";
import { deleteFleet, FLEET_VALUES, parseScrape, placeFleet } from "./cluster/fleet.ts";
import { buildLocalImage, type Image, loadImages } from "./cluster/image.ts";
import { type Program, type Run, runProgram } from "./program.ts";
import { checkAnswers, tryIt } from "./release/answers.ts";
import { ensureRelease } from "./release/release.ts";
import { parsePort, parseTimeout } from "./run/command-line.ts";
import { CLUSTER, LOCAL, NAMESPACE, NODE_PORT, RELEASE } from "./run/place.ts";
import { checkDocker, checkTools } from "./run/prerequisites.ts";

const fileIn = (folder: string, path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));

async function up({ values, shell, state, steps, print, folder, reportOn }: Run): Promise<void> {
  const requested = values.PORT === undefined ? null : parsePort(values.PORT);
  const timeoutSeconds = parseTimeout(values.TIMEOUT);
  const isFleet = parseScrape(values.SCRAPE);
  const { step, note } = steps;
  let csv: CsvData | null = null;
  let image: Image;
  let port: number;
  await step("Prerequisites", async () => {
    if (values.CSV !== undefined) csv = await readCsv(resolve(folder, values.CSV));
    const tools = await checkTools(shell, ["docker", "kind", "kubectl", "helm", "git"]);
    const docker = await checkDocker(shell, { forCluster: true });
    port = await chooseApiPort(shell, requested);
    return `${tools}; ${docker}; port ${port}`;
  });
  await step(`Cluster ${CLUSTER}`, () => ensureCluster(shell, state, port, note));
  reportOn(LOCAL);
  await step("Image", async () => {
    image = await buildLocalImage(shell);
    return `${image.repository}:${image.tag}`;
  });
  await step("Images and data to the node", async () => {
    const loaded = await loadImages(shell, LOCAL, image, note);
    if (isFleet) await placeFleet(shell, LOCAL, image);
    if (csv === null) return `${loaded}; data: ${isFleet ? "a simulated fleet" : "the sample"}`;
    await placeCsv(shell, LOCAL, csv);
    return `${loaded}; data: ${describeCsv(csv)}`;
  });
  await step(`Release ${RELEASE} in namespace ${NAMESPACE}`, async () => {
    const valuesFile = fileIn(folder, values.VALUES);
    const outcome = await ensureRelease(
      shell,
      LOCAL,
      {
        image,
        nodePort: NODE_PORT,
        timeoutSeconds,
        ...(csv === null ? {} : { csvClaim: `csv-${csv.hash}` }),
        ...(valuesFile === undefined ? {} : { valuesFile }),
        // The sample is for those who have nothing else.
        ...(isFleet ? { more: { ...FLEET_VALUES, ...(csv === null ? { "streamer.replicas": 0 } : {}) } } : {}),
      },
      note,
    );
    await deleteOtherCsv(shell, LOCAL, csv);
    if (!isFleet) await deleteFleet(shell, LOCAL);
    return outcome;
  });
  await step("Answers", async () => (shell.dryRun ? "" : checkAnswers(`http://localhost:${port}`)));
  if (shell.dryRun) return;
  print(`\nReady. ${steps.summary()}.`);
  print(`${tryIt(port!, "")}
just status · just logs [component] · just system-test · just down`);
}

const UP: Program = {
  name: "up",
  does: "Creates a kind cluster that serves the API on localhost, builds the image, installs the chart and waits until it is\nready. A second run updates what has changed. Needs Docker 20.10, kind 0.20, kubectl 1.29, Helm 3.14 or newer.",
  keys: {
    CSV: "your own file, or folder with files, of type .csv, .csv.gz or .csv.zst (the sample fleet)",
    SCRAPE: "fleet: scrape a simulated fleet in the cluster, instead of streaming the sample",
    PORT: "of localhost (8080); fixed when the cluster is created",
    TIMEOUT: "time limit for its pods to become ready (5m)",
    VALUES: "a file with more values for the chart",
  },
  dryRun: true,
  steps: 6,
  act: up,
};

if (import.meta.main) process.exitCode = await runProgram(UP, process.argv.slice(2));
