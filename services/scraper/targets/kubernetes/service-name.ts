/** Names a service of Kubernetes whose endpoints are targets. */

export interface ServiceName {
  readonly namespace: string;
  readonly service: string;
  /** Name or number of one of its ports; undefined: the only one, or the only one for metrics. */
  readonly port: string | undefined;
}

/** Describes the accepted text in error messages. */
export const SERVICE_FORM = "namespace/service or namespace/service:port; several are separated by commas";

/** Names of Kubernetes are DNS labels. */
const NAME =
  /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)(?::([a-z0-9][-a-z0-9]*))?$/;

export function parseServiceName(text: string): ServiceName | undefined {
  const [, namespace, service, port] = NAME.exec(text) ?? [];
  return namespace === undefined || service === undefined ? undefined : { namespace, service, port };
}

export const serviceText = ({ namespace, service }: ServiceName): string => `${namespace}/${service}`;
