/** A part whose process dies at a point of its work: before a call takes effect, or after it did and nobody knows yet. */

export interface Doom {
  /** A method: `ack`, `deadLetters.redrive`. */
  readonly call: string;
  readonly moment: "before" | "after";
  /** Which call of it, from 1. */
  readonly nth: number;
}

export const doomName = ({ call, moment, nth }: Doom): string => `${moment} ${call} ${nth}`;

/** Never returns: SIGKILL leaves no time to tidy up. */
async function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return await new Promise<never>(() => {});
}

/** The same part; only the doomed call differs. */
export function doomed<T extends object>(part: T, doom: Doom): T {
  const [name = "", inner] = doom.call.split(".");
  let calls = 0;
  return new Proxy(part, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (property === name && inner !== undefined) return doomed(member as object, { ...doom, call: inner });
      if (typeof member !== "function") return member;
      if (property !== name) return member.bind(target);
      return async (...args: unknown[]) => {
        const isFatal = ++calls === doom.nth;
        if (isFatal && doom.moment === "before") return await die();
        const result: unknown = await member.apply(target, args);
        return isFatal ? await die() : result;
      };
    },
  });
}
