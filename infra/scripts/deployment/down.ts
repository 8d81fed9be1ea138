/** `just down`: deletes the kind cluster and everything in it. */
import { deleteCluster } from "./cluster/cluster.ts";
import { type Program, type Run, runProgram } from "./program.ts";
import { CLUSTER } from "./run/place.ts";
import { checkDocker } from "./run/prerequisites.ts";
import { NOT_FOUND } from "./run/shell.ts";

async function down({ shell, state, steps }: Run): Promise<void> {
  await steps.step(`Cluster ${CLUSTER}`, async () => {
    // `just deploy` alone does not need kind.
    if ((await shell.ask(["kind", "version"]))?.code === NOT_FOUND) return "does not exist: kind is not installed";
    await checkDocker(shell, { forCluster: false });
    return deleteCluster(shell, state);
  });
}

const DOWN: Program = {
  name: "down",
  does: "Deletes the kind cluster and everything in it. Releases that `just deploy` has installed on other clusters stay.",
  keys: {},
  dryRun: true,
  steps: 1,
  act: down,
};

if (import.meta.main) process.exitCode = await runProgram(DOWN, process.argv.slice(2));
