/** A fake API server, and real programs with a configuration that knows only that server. */
import { join } from "node:path";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { type FakeApiServer, startFakeApiServer } from "./api-server.ts";
import { type Finished, finished, kubeconfig } from "./programs.ts";

export interface FakeCluster extends AsyncDisposable {
  readonly server: FakeApiServer;
  run(program: string, ...args: readonly string[]): Promise<Finished>;
  /** Returns the output. @throws Error with the standard error if the program fails */
  succeed(program: string, ...args: readonly string[]): Promise<string>;
}

/** @param programs folder with helm and kubectl */
export async function startFakeCluster(programs: string): Promise<FakeCluster> {
  const server = startFakeApiServer();
  const folder = await temporaryFolder();
  const config = join(folder.path, "config");
  await Bun.write(config, kubeconfig(server.url));
  const helmFolders = { HELM_CACHE_HOME: folder.path, HELM_CONFIG_HOME: folder.path, HELM_DATA_HOME: folder.path };
  const env = { KUBECONFIG: config, HOME: folder.path, ...helmFolders };
  const run = (program: string, ...args: readonly string[]) => finished([join(programs, program), ...args], env);
  return {
    server,
    run,
    succeed: async (program, ...args) => {
      const { code, stdout, stderr } = await run(program, ...args);
      if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
