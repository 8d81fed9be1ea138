/** `just up`: a kind cluster with everything in it, and http://localhost:8080. */
import { resolve } from "node:path";
import { checkAnswers, tryIt } from "./answers.ts";
import { ensureCluster } from "./cluster.ts";
import { parsePort, parseTimeout } from "./command-line.ts";
import { type CsvData, describeCsv, forgetOtherCsv, placeCsv, readCsv } from "./csv.ts";
import { checkForwardPort, ensureForward } from "./forwards.ts";
import { buildLocalImage, type Image, loadImages } from "./image.ts";
import { CLUSTER, kubectl, LOCAL, NAMESPACE, RELEASE } from "./place.ts";
import { checkDocker, checkTools } from "./prerequisites.ts";
import { type Program, type Run, runProgram } from "./program.ts";
import { ensureRelease } from "./release.ts";
import { shown } from "./shell.ts";

const fileIn = (folder: string, path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));

async function up({ values, shell, state, steps, print, folder, looksAt }: Run): Promise<void> {
  const port = parsePort(values.PORT);
  const timeoutSeconds = parseTimeout(values.TIMEOUT);
  const { step, note } = steps;
  let csv: CsvData | null = null;
  let image: Image;
  await step("Prerequisites", async () => {
    if (values.CSV !== undefined) csv = await readCsv(resolve(folder, values.CSV));
    const tools = await checkTools(shell, ["docker", "kind", "kubectl", "helm", "git"]);
    const docker = await checkDocker(shell, { forCluster: true });
    if (!shell.dryRun) await checkForwardPort(state, LOCAL, port, "just up");
    return `${tools}; ${docker}; port ${port}`;
  });
  await step(`Cluster ${CLUSTER}`, () => ensureCluster(shell, state, note));
  looksAt(LOCAL);
  await step("Image", async () => {
    image = await buildLocalImage(shell);
    return `${image.repository}:${image.tag}`;
  });
  await step("Images and data to the node", async () => {
    const loaded = await loadImages(shell, LOCAL, image, note);
    if (csv === null) return `${loaded}; data: the sample`;
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
        timeoutSeconds,
        ...(csv === null ? {} : { csvClaim: `csv-${csv.hash}` }),
        ...(valuesFile === undefined ? {} : { valuesFile }),
      },
      note,
    );
    await forgetOtherCsv(shell, LOCAL, csv);
    return outcome;
  });
  await step("Forward", async () => {
    if (!shell.dryRun) return ensureForward(state, LOCAL, port);
    note(shown(kubectl(LOCAL, "port-forward", "service/api-gateway", `${port}:8080`)));
    return "";
  });
  await step("Answers", async () => (shell.dryRun ? "" : checkAnswers(port)));
  if (shell.dryRun) return;
  print(`\nIt runs. ${steps.summary()}.`);
  print(`${tryIt(port, "")}
just status · just logs [component] · just system-test · just down`);
}

const UP: Program = {
  name: "up",
  does: "Makes a kind cluster, builds the image, installs the chart, waits, and forwards the API to localhost. Again: brings\nwhat has changed. Tools: Docker 20.10, kind 0.20, kubectl 1.29, Helm 3.14 or 4, or newer.",
  keys: {
    CSV: "a file or folder with .csv, .csv.gz or .csv.zst of your own; without it, the sample fleet",
    PORT: "of localhost (8080)",
    TIMEOUT: "until its pods must be ready (5m)",
    VALUES: "a file with values for the chart",
  },
  dryRun: true,
  steps: 7,
  act: up,
};

if (import.meta.main) process.exitCode = await runProgram(UP, process.argv.slice(2));
