/** Turns the EndpointSlices of a service (discovery.k8s.io/v1) into targets. */
import { z } from "zod";
import { fail, ok, type Result } from "../../../../schema/model/result.ts";
import { type Target, targetOf } from "../target.ts";
import { MAX_TARGETS } from "../target-groups.ts";
import type { ServiceName } from "./service-name.ts";

const SLICE = z.object({
  metadata: z.object({ name: z.string(), resourceVersion: z.string().optional() }),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: z.object({ ready: z.boolean().nullish(), serving: z.boolean().nullish() }).nullish(),
        nodeName: z.string().nullish(),
        targetRef: z.object({ kind: z.string().optional(), name: z.string().optional() }).nullish(),
      }),
    )
    .nullish(),
  ports: z
    .array(z.object({ name: z.string().nullish(), port: z.number().nullish(), appProtocol: z.string().nullish() }))
    .nullish(),
});

export type EndpointSlice = z.infer<typeof SLICE>;
type Endpoint = NonNullable<EndpointSlice["endpoints"]>[number];
type Port = NonNullable<EndpointSlice["ports"]>[number];

export function parseSlice(value: unknown): Result<EndpointSlice> {
  const parsed = SLICE.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return fail(`EndpointSlice must have its documented form, got ${issue?.path.join(".")}: ${issue?.message}`);
}

/** Returns the port to scrape, or undefined if the choice is not clear. */
function portOf(ports: readonly Port[], wanted: string | undefined): Port | undefined {
  const scraped =
    wanted === undefined
      ? ports.length === 1
        ? ports
        : ports.filter(({ name }) => name?.includes("metrics"))
      : ports.filter(({ name, port }) => name === wanted || String(port) === wanted);
  return scraped.length === 1 ? scraped[0] : undefined;
}

/** A pod that ends still serves; one whose readiness is unknown counts as ready, as the API says. */
const isServing = ({ conditions }: Endpoint): boolean => conditions?.ready !== false || conditions.serving === true;

/**
 * Returns the targets with labels as Prometheus' operator attaches them: job (the service), namespace, service,
 * endpoint (the port's name), pod and node. A pod of a dual-stack service is in several slices, and counts once.
 */
export function targetsOf(
  slices: Iterable<EndpointSlice>,
  { namespace, service, port: wanted }: ServiceName,
): Result<readonly Target[]> {
  const found = new Map<string, Target>();
  for (const { metadata, endpoints, ports } of slices) {
    const serving = (endpoints ?? []).filter(isServing);
    if (serving.length === 0) continue;
    const port = portOf(ports ?? [], wanted);
    if (port?.port === undefined || port.port === null) {
      const names = (ports ?? []).map((one) => one.name || String(one.port)).join(", ");
      return fail(
        `EndpointSlice ${metadata.name} must have one port ${wanted ?? "for metrics"}, got ${names || "none"}`,
      );
    }
    for (const { addresses, nodeName, targetRef } of serving) {
      const [address = ""] = addresses;
      const pod = targetRef?.kind === "Pod" ? targetRef.name : undefined;
      const target = targetOf(`${address.includes(":") ? `[${address}]` : address}:${port.port}`, {
        ...(port.appProtocol?.toLowerCase() === "https" ? { __scheme__: "https" } : {}),
        job: service,
        ...{ namespace, service, endpoint: port.name ?? "", pod: pod ?? "", node: nodeName ?? "" },
      });
      if (!target.ok) return fail(`EndpointSlice ${metadata.name}: ${target.error}`);
      const key = pod ?? target.value.key;
      const known = found.get(key);
      // IPv4 first, so that the choice does not depend on the order of slices.
      if (known === undefined || (known.url.includes("[") && !address.includes(":"))) found.set(key, target.value);
    }
  }
  if (found.size > MAX_TARGETS) return fail(`service must have at most ${MAX_TARGETS} endpoints, got ${found.size}`);
  return ok([...found.values()]);
}
