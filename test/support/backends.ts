/** What becomes of a test whose server is not there: skipped, and said so, or a failure where servers are required. */

/**
 * Whether to run the tests of `backend`.
 * @param found null when none was found; else where it is, in words
 */
export function haveBackend(backend: string, found: string | null): boolean {
  if (found !== null) return true;
  const line = `${backend} was not found: its tests are SKIPPED`;
  if (process.env.REQUIRE_BACKENDS === "1") throw new Error(`${line}, and REQUIRE_BACKENDS=1 does not allow that`);
  console.warn(`\n*** ${line} ***\n`);
  return false;
}
