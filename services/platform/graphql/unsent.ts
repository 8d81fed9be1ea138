/** Ends the results of a subscription that is answered with 406, because no client reads them. */
import type { Plugin } from "graphql-yoga";

const isRunning = (result: unknown): result is AsyncIterableIterator<unknown> =>
  typeof result === "object" && result !== null && Symbol.asyncIterator in result;

/** Yoga starts a subscription before it checks Accept, and leaves it running when it answers 406. */
export function endUnsent(): Pick<Plugin, "onResultProcess" | "onResponse"> {
  const underWay = new WeakMap<Request, AsyncIterableIterator<unknown>>();
  return {
    onResultProcess({ request, result }) {
      if (isRunning(result)) underWay.set(request, result);
    },
    onResponse({ request, response }) {
      if (response.status === 406)
        underWay
          .get(request)
          ?.return?.()
          ?.catch(() => {});
    },
  };
}
