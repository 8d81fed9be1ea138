/** Builds the environment of a container as the kubelet does, and checks it against the program that reads it. */
import { PROGRAMS, variablesOf } from "../../../infra/scripts/chart/program-variables.ts";
import { ConfigError } from "../../../services/platform/process/env.ts";
import { type Container, type KubernetesObject, nameOf, ofKind, type Workload, workloadsOf } from "./objects.ts";

/** Values of Secrets that the user creates. */
const FROM_ELSEWHERE: Readonly<Record<string, string>> = {
  MONGODB_URI: "mongodb://user:secret@mongodb.example.com:27017/gpu_telemetry",
};

/** Returns the argument that starts our program in a container; null if the image is not ours. */
export const programOf = ({ command, args }: Container): string | null =>
  command === undefined && args?.length === 1 ? (args[0] as string) : null;

function secretValue(objects: readonly KubernetesObject[], name: string, key: string): string | null {
  const secret = ofKind(objects, "Secret").find(({ metadata }) => metadata.name === name);
  const value = secret?.data?.[key];
  return value === undefined ? null : Buffer.from(value, "base64").toString();
}

export function environmentOf(
  objects: readonly KubernetesObject[],
  { object }: Workload,
  container: Container,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => {
      const secret = valueFrom?.secretKeyRef;
      if (secret !== undefined)
        return [name, secretValue(objects, secret.name, secret.key) ?? FROM_ELSEWHERE[name] ?? "from-elsewhere"];
      if (valueFrom?.fieldRef?.fieldPath === "metadata.name") return [name, `${object.metadata.name}-0`];
      return [name, value ?? ""];
    }),
  );
}

/** All containers of our image, with program and environment. */
export const ourContainers = (objects: readonly KubernetesObject[]) =>
  workloadsOf(objects).flatMap((workload) =>
    workload.containers.flatMap((container) => {
      const program = programOf(container);
      return program === null
        ? []
        : [{ workload, container, program, env: environmentOf(objects, workload, container) }];
    }),
  );

/** Variables that the program does not read, variables set twice, and refused values. */
export function environmentProblems(objects: readonly KubernetesObject[]): string[] {
  return ourContainers(objects).flatMap(({ workload, container, program, env }) => {
    const where = nameOf(workload.object);
    const read = PROGRAMS[program];
    if (read === undefined) return [`${where}: program ${program} is not in the image`];
    const known = variablesOf(program);
    const twice = (container.env ?? []).map(({ name }) => name).filter((name, at, all) => all.indexOf(name) !== at);
    const problems = [
      ...Object.keys(env)
        .filter((name) => !known.includes(name))
        .map((name) => `${where}: ${program} does not read ${name}`),
      ...twice.map((name) => `${where}: ${name} is set twice`),
    ];
    try {
      read(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map((problem) => `${where}: ${problem}`));
    }
    return problems;
  });
}
