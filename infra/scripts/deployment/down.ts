/** `just down`: ends the forwards and deletes the kind cluster, with all that is in it. */
import { deleteCluster } from "./cluster.ts";
import { endForward, findForwards } from "./forwards.ts";
import { CLUSTER } from "./place.ts";
import { checkDocker } from "./prerequisites.ts";
import { type Program, type Run, runProgram } from "./program.ts";
import { NOT_FOUND } from "./shell.ts";

async function down({ shell, state, steps }: Run): Promise<void> {
  await steps.step("Forward", async () => {
    const forwards = shell.dryRun ? [] : await findForwards(state);
    for (const forward of forwards) await endForward(state, forward);
    const ended = forwards.map(({ record }) => `localhost:${record.port} to ${record.place.context}`);
    return ended.length === 0 ? "none runs" : `ended: ${ended.join(", ")}`;
  });
  await steps.step(`Cluster ${CLUSTER}`, async () => {
    // Who only deploys elsewhere has no kind.
    if ((await shell.ask(["kind", "version"]))?.code === NOT_FOUND) return "there is none: kind is not installed";
    await checkDocker(shell, { forCluster: false });
    return deleteCluster(shell, state);
  });
}

const DOWN: Program = {
  name: "down",
  does: "Ends every forward to localhost and deletes the kind cluster with all that is in it. What `just deploy` has installed\non other clusters stays.",
  keys: {},
  dryRun: true,
  steps: 2,
  act: down,
};

if (import.meta.main) process.exitCode = await runProgram(DOWN, process.argv.slice(2));
