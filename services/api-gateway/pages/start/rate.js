/** The rate at which a counter grows, over its last few samples. */
const SAMPLES = 6;

export function createRate() {
  let samples = [];
  return {
    /** Returns the increase per second, null until there are two samples. A counter that shrinks was reset. */
    of(total, atMs) {
      if (samples.length > 0 && total < samples[samples.length - 1].total) samples = [];
      samples = [...samples.slice(1 - SAMPLES), { total, atMs }];
      const first = samples[0];
      return samples.length < 2 ? null : ((total - first.total) / (atMs - first.atMs)) * 1000;
    },
  };
}
