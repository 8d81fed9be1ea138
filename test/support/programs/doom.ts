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

type Method = (...args: unknown[]) => unknown;

function fatal(method: Method, { moment, nth }: Doom): Method {
  let calls = 0;
  return async function doomedMethod(this: unknown, ...args) {
    const isFatal = ++calls === nth;
    if (isFatal && moment === "before") return await die();
    const result: unknown = await method.apply(this, args);
    return isFatal ? await die() : result;
  };
}

/** Dooms a method of every object of a class. */
export function doomClass(prototype: object, doom: Doom): void {
  const method = Reflect.get(prototype, doom.call) as Method;
  Reflect.set(prototype, doom.call, fatal(method, doom));
}

/** The same part; only the doomed call differs. */
export function doomed<T extends object>(part: T, doom: Doom): T {
  const [name = "", inner] = doom.call.split(".");
  const fatalMember = fatal(Reflect.get(part, name, part) as Method, doom);
  return new Proxy(part, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (property === name && inner !== undefined) return doomed(member as object, { ...doom, call: inner });
      if (typeof member !== "function") return member;
      return property === name ? fatalMember.bind(target) : member.bind(target);
    },
  });
}
