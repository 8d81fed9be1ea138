/** Rounds of a comparison: every side runs once per round. */

type Sides = Readonly<Record<string, () => Promise<unknown>>>;
export type Round<S extends Sides> = { readonly [Side in keyof S]: Awaited<ReturnType<S[Side]>> };

/** Runs the sides in turn, in an order that rotates from round to round. `onRound` gets the figures of each round. */
export async function runRounds<S extends Sides>(
  sides: S,
  rounds: number,
  onRound: (round: Round<S>, number: number) => void = () => {},
): Promise<Round<S>[]> {
  const names = Object.keys(sides);
  const measured: Round<S>[] = [];
  for (let round = 0; round < rounds; round++) {
    const figures: Record<string, unknown> = {};
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length] as string;
      figures[name] = await sides[name]?.();
    }
    measured.push(figures as Round<S>);
    onRound(figures as Round<S>, round + 1);
  }
  return measured;
}
