import type { Link } from "../connection/link.ts";

/** At most this many calls at once, although more connections may be free: other calls need some, too. */
const ABREAST_MAX = 8;

/** Runs several calls at once, each of which takes a connection. Returns the answers in the order of the items. */
export async function abreast<T, R>(
  { poolSize }: Pick<Link, "poolSize">,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = new Array(items.length);
  const coming = items.entries();
  const follow = async () => {
    for (const [index, item] of coming) answers[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(ABREAST_MAX, poolSize, items.length) }, follow));
  return answers;
}
