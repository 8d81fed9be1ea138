/** `just logs [component]`: prints logs of pods; passes flags to `kubectl logs`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { COMPONENTS, KIND_CONTEXT, kubectl, NAMESPACE, RELEASE } from "./run/place.ts";
import { asTyped } from "./run/typed.ts";

const USAGE = `Usage: just logs [component] [CONTEXT=…] [NAMESPACE=…] [--follow] [--previous] [--since=5m] [--tail=1000] …

Prints the last log lines of a component's pods, or of all pods. Flags are those of \`kubectl logs\`.

  component  ${COMPONENTS.join(", ")}
  CONTEXT    of kubectl (${KIND_CONTEXT})
  NAMESPACE  of the release (${NAMESPACE})
`;

/** More than a usual deployment has in all. */
const MOST_PODS = 100;

async function logs(args: readonly string[]): Promise<number> {
  const place = { context: KIND_CONTEXT, namespace: NAMESPACE };
  const labels = [`app.kubernetes.io/instance=${RELEASE}`];
  const flags: string[] = [];
  for (const argument of args) {
    const [, key, value] = /^(CONTEXT|NAMESPACE)=(.+)$/.exec(argument) ?? [];
    if (key !== undefined) place[key.toLowerCase() as keyof typeof place] = value!;
    else if (COMPONENTS.includes(argument as (typeof COMPONENTS)[number])) labels.push(`app=${argument}`);
    else if (/^--?\w/.test(argument) && !/^(--help|-h)$/.test(argument)) flags.push(argument);
    else {
      const asked = /^(--help|-h)$/.test(argument);
      (asked ? process.stdout : process.stderr).write(
        asTyped(
          asked
            ? USAGE
            : `component must be one of ${COMPONENTS.join(", ")}, got ${JSON.stringify(argument)}\n\n${USAGE}`,
        ),
      );
      return asked ? 0 : 2;
    }
  }
  const tail = flags.some((flag) => /^--(tail|since)/.test(flag)) ? [] : [`--tail=${labels.length === 1 ? 20 : 100}`];
  const options = ["--all-containers", "--prefix", `--max-log-requests=${MOST_PODS}`, ...tail, ...flags];
  const [program, ...words] = kubectl(place, "logs", "--selector", labels.join(","), ...options);
  const child = spawn(program, words, { stdio: "inherit" });
  const code = await Promise.race([once(child, "close"), once(child, "error")]).then(([what]) => what as unknown);
  if (typeof code === "number") return code;
  if (code !== null) process.stderr.write(`kubectl cannot be started: ${String(code)}\n`);
  return 1;
}

if (import.meta.main) process.exitCode = await logs(process.argv.slice(2));
