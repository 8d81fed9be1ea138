/**
 * Stands in for a port of a kind node that Docker publishes: `node-port.ts API-SERVER HOST-PORT NODE-PORT`. Like
 * kube-proxy, it answers only while a Service of the fake API server has that NodePort and selects a ready pod.
 */
import { fitsLabels, type KubeObject } from "../objects.ts";
import { PRODUCT } from "./product.ts";

interface ServiceSpec {
  readonly type?: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly nodePort?: number }[];
}

const [apiServer, hostPort, nodePort] = process.argv.slice(2);

async function list(resource: string): Promise<KubeObject[]> {
  const response = await fetch(`${apiServer}/api/v1/${resource}`);
  return ((await response.json()) as { items: KubeObject[] }).items;
}

const isReady = ({ status }: KubeObject): boolean =>
  ((status?.conditions ?? []) as { type: string; status: string }[]).some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );

async function hasEndpoint(): Promise<boolean> {
  const [services, pods] = await Promise.all([list("services"), list("pods")]);
  const service = services
    .map(({ spec }) => spec as unknown as ServiceSpec)
    .find(({ type, ports }) => type === "NodePort" && ports.some((port) => port.nodePort === Number(nodePort)));
  if (service === undefined) return false;
  const selector = Object.entries(service.selector).map(([name, value]) => `${name}=${value}`);
  return pods.some((pod) => fitsLabels(selector.join(","), pod.metadata.labels) && isReady(pod));
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(hostPort),
  async fetch({ url }) {
    const answer = PRODUCT[new URL(url).pathname as keyof typeof PRODUCT];
    if (answer === undefined || !(await hasEndpoint())) return new Response(null, { status: 503 });
    return answer.clone();
  },
});
