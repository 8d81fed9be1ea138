/** Whether a promise is still pending once everything that can run now has run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  promise
    .catch(() => {})
    .finally(() => {
      isSettled = true;
    });
  await new Promise((resolve) => setImmediate(resolve));
  return !isSettled;
}
