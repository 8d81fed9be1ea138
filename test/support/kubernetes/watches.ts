/** `?watch=true`: sends the existing objects if requested, then every change, as JSON lines. */
import { fitsFields, fitsLabels, type KubeObject, type Objects } from "./objects.ts";
import { type ApiPath, groupVersionOf } from "./resources.ts";

/** Returns a filter for the objects of a path that its query selects. */
export function selects({ resource, namespace }: ApiPath, query: URLSearchParams): (object: KubeObject) => boolean {
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  return (object) =>
    object.kind === resource.kind &&
    (namespace === null || object.metadata.namespace === namespace) &&
    fitsLabels(labels, object.metadata.labels) &&
    fitsFields(fields, object);
}

export function watchStream(objects: Objects, path: ApiPath, query: URLSearchParams): ReadableStream {
  const fits = selects(path, query);
  let stop = () => {};
  return new ReadableStream({
    start(controller) {
      const send = (event: object) => controller.enqueue(`${JSON.stringify(event)}\n`);
      // Bun sends the headers with the first byte of the body.
      controller.enqueue("\n");
      stop = objects.watch((_, change) => {
        if (fits(change.object)) send(change);
      });
      if (query.get("sendInitialEvents") === "true") {
        for (const object of objects.list(path.resource, path.namespace)) {
          if (fits(object)) send({ type: "ADDED", object });
        }
        const annotations = { "k8s.io/initial-events-end": "true" };
        const metadata = { resourceVersion: objects.version, annotations };
        const { resource } = path;
        send({ type: "BOOKMARK", object: { apiVersion: groupVersionOf(resource), kind: resource.kind, metadata } });
      }
    },
    cancel: () => stop(),
  });
}
