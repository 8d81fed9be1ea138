/** Repeats a call while its server is unavailable. */
import { isAppError } from "../../../schema/model/errors.ts";
import { eventually } from "./eventually.ts";

/** @throws Error that names `what` when the deadline passes first; any error of the call other than `unavailable` */
export async function untilAvailable<T>(
  call: () => Promise<T>,
  options: { readonly what: string; readonly deadlineMs?: number },
): Promise<T> {
  const attempt = async () => {
    try {
      return { value: await call() };
    } catch (error) {
      if (isAppError(error, "unavailable")) return null;
      throw error;
    }
  };
  const outcome = await eventually(attempt, options);
  return (outcome as { value: T }).value;
}
