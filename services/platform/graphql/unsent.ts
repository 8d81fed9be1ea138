/** Results that come one after the other, and for which Accept leaves no form: they are ended, as nobody reads them. */
import type { Plugin } from "graphql-yoga";

const isRunning = (result: unknown): result is AsyncIterableIterator<unknown> =>
  typeof result === "object" && result !== null && Symbol.asyncIterator in result;

/** A subscription is under way before Accept is looked at; an answer of 406 leaves it so. */
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
