/** How fast a counter grows, over the last few looks at it. */
const LOOKS = 6;

export function createRate() {
  let looks = [];
  return {
    /** Per second; null until there are two looks. A counter that shrinks has begun anew. */
    of(total, atMs) {
      if (looks.length > 0 && total < looks[looks.length - 1].total) looks = [];
      looks = [...looks.slice(1 - LOOKS), { total, atMs }];
      const first = looks[0];
      return looks.length < 2 ? null : ((total - first.total) / (atMs - first.atMs)) * 1000;
    },
  };
}
