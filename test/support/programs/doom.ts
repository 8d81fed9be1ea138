/** Kills a process at one call: before the call takes effect, or after its effect and before its caller knows. */

export interface Doom {
  /** Name of a method: `ack`, `deadLetters.redrive`. */
  readonly call: string;
  readonly moment: "before" | "after";
  /** Number of the fatal call, from 1. */
  readonly nth: number;
}

export const doomName = ({ call, moment, nth }: Doom): string => `${moment} ${call} ${nth}`;

/** Kills this process. Never returns: SIGKILL leaves no time for cleanup. */
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

/** Makes a method fatal for every object of a class. */
export function doomClass(prototype: object, doom: Doom): void {
  const method = Reflect.get(prototype, doom.call) as Method;
  Reflect.set(prototype, doom.call, fatal(method, doom));
}

/** Returns the same part with one fatal call. */
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
