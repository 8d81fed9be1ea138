/** Runs several calls at once, each of which takes a connection. */
const ABREAST = 8;

/** Returns the answers in the order of the items. */
export async function abreast<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = new Array(items.length);
  const coming = items.entries();
  const follow = async () => {
    for (const [index, item] of coming) answers[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(ABREAST, items.length) }, follow));
  return answers;
}
