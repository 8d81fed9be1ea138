/** `just deploy`: builds and pushes the image, and installs the chart on an existing cluster. */
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { DEFAULT_PORT } from "./cluster/api-port.ts";
import { type Contexts, readContexts } from "./cluster/contexts.ts";
import { buildImage, type Image, pushImage } from "./cluster/image.ts";
import { type Program, type Run, runProgram } from "./program.ts";
import { checkAnswers, tryIt } from "./release/answers.ts";
import { forwardCommand, openForward } from "./release/forward.ts";
import { checkIdle, ensureRelease } from "./release/release.ts";
import { parsePort, parseTimeout } from "./run/command-line.ts";
import { IMAGE, kubectl, NAMESPACE, type Place, RELEASE } from "./run/place.ts";
import { checkDocker, checkTools } from "./run/prerequisites.ts";
import type { Shell } from "./run/shell.ts";
import { Trouble, UsageError } from "./run/trouble.ts";

const TAG = /^[\w][\w.-]{0,127}$/;

function imageOf({ REGISTRY, TAG: tag }: Run["values"]): Image {
  if (!TAG.test(tag!))
    throw new UsageError(`TAG must be 1 to 128 letters, digits, _ . or -, got ${JSON.stringify(tag)}`);
  const registry = REGISTRY!.replace(/\/+$/, "");
  if (registry === "" || /[\s@]|:\/\//.test(registry)) {
    const accepted = "a host with or without a path such as ghcr.io/your-name";
    throw new UsageError(`REGISTRY must be ${accepted}, got ${JSON.stringify(REGISTRY)}`);
  }
  return { repository: `${registry}/${IMAGE}`, tag: tag! };
}

function placeOf(
  { CONTEXT, NAMESPACE: namespace = NAMESPACE }: Run["values"],
  contexts: Contexts,
  dryRun: boolean,
): Place {
  const context = CONTEXT ?? contexts.current ?? (dryRun ? "CURRENT-CONTEXT" : null);
  if (context === null) {
    throw new Trouble("kubectl has no current context: choose one with CONTEXT=…", {
      next: ["kubectl config get-contexts"],
    });
  }
  if (!dryRun && contexts.server(context) === null) {
    throw new Trouble(`CONTEXT must be a context of kubectl, got ${context}`, {
      next: ["kubectl config get-contexts"],
    });
  }
  return { context, namespace };
}

async function checkCluster(shell: Shell, place: Place): Promise<string> {
  const ready = await shell.ask(kubectl(place, "get", "--raw", "/version", "--request-timeout=15s"));
  if (ready === null) return "";
  if (ready.code !== 0)
    throw new Trouble(`The cluster of context ${place.context} does not answer: ${ready.stderr.trim()}`);
  const may = await shell.ask(kubectl(place, "auth", "can-i", "create", "deployments.apps"));
  if (may?.stdout.trim() === "no") {
    throw new Trouble(
      `kubectl may not create deployments in namespace ${place.namespace} of context ${place.context}`,
      {
        next: ["just deploy … NAMESPACE=…"],
      },
    );
  }
  await checkIdle(shell, place);
  return `Kubernetes ${(JSON.parse(ready.stdout) as { gitVersion: string }).gitVersion}`;
}

/** @throws Trouble unless the user confirms on a terminal */
async function askOnce(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new Trouble(`${question}\nThere is no terminal to answer on: confirm with YES=1`, {
      next: ["just deploy … YES=1"],
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`      ${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Trouble("Not confirmed, nothing was changed");
}

async function deploy({ values, shell, steps, print, folder, reportOn }: Run): Promise<void> {
  const image = imageOf(values);
  const port = values.PORT === undefined ? DEFAULT_PORT : parsePort(values.PORT);
  const timeoutSeconds = parseTimeout(values.TIMEOUT);
  const { step, note } = steps;
  let place!: Place;
  let digest: string | undefined;
  await step("Prerequisites", async () => {
    const tools = await checkTools(shell, ["docker", "kubectl", "helm", "git"]);
    return `${tools}; ${await checkDocker(shell, { forCluster: false })}`;
  });
  await step("Cluster", async () => {
    const contexts = await readContexts(shell);
    place = placeOf(values, contexts, shell.dryRun);
    const version = await checkCluster(shell, place);
    note(`context    ${place.context} (${contexts.server(place.context) ?? "its server"}), ${version}`);
    note(`namespace  ${place.namespace}`);
    note(`image      ${image.repository}:${image.tag}`);
    if (place.context.startsWith("kind-")) {
      note("This is a kind cluster, which needs no registry: `just up` creates and uses one of its own.");
    }
    if (shell.dryRun) return "";
    if (values.YES === "1") return "YES=1";
    await askOnce(`Install release ${RELEASE} there?`);
    return "confirmed";
  });
  await step("Image", () => buildImage(shell, place, image));
  await step("Push", async () => {
    digest = await pushImage(shell, image);
    return digest ?? "pushed";
  });
  reportOn(place);
  await step(`Release ${RELEASE} in namespace ${place.namespace}`, () => {
    const more = digest === undefined ? {} : { digest };
    const file = values.VALUES === undefined ? {} : { valuesFile: resolve(folder, values.VALUES) };
    return ensureRelease(shell, place, { image: { ...image, ...more }, timeoutSeconds, ...file }, note);
  });
  await step("Answers", async () => {
    if (shell.dryRun) return "";
    await using forward = await openForward(place);
    return await checkAnswers(forward.url);
  });
  if (shell.dryRun) return;
  print(`\nReady. ${steps.summary()}.`);
  print(`\nReach it from this machine, until Ctrl-C:\n  ${forwardCommand(place, port)}`);
  print(`${tryIt(port, `--context ${place.context} --namespace ${place.namespace} `)}
just status CONTEXT=${place.context} NAMESPACE=${place.namespace}
helm --kube-context ${place.context} --namespace ${place.namespace} uninstall ${RELEASE}     # removes it from the cluster`);
}

const DEPLOY: Program = {
  name: "deploy",
  does: "Builds and pushes the image, installs the chart on an existing cluster and waits until it is ready.\nNeeds Docker 20.10, kubectl 1.29, Helm 3.14 or newer.",
  keys: {
    REGISTRY: "host and path to push the image to and to pull it from: ghcr.io/your-name",
    TAG: "of the image",
    CONTEXT: "of kubectl (the current one)",
    NAMESPACE: `of the release, created if missing (${NAMESPACE})`,
    PORT: "of localhost, in the port-forward command that it prints (8080)",
    TIMEOUT: "time limit for its pods to become ready (5m)",
    VALUES: "a file with more values for the chart",
    YES: "1: do not ask for confirmation",
  },
  required: ["REGISTRY", "TAG"],
  dryRun: true,
  steps: 6,
  act: deploy,
};

if (import.meta.main) process.exitCode = await runProgram(DEPLOY, process.argv.slice(2));
