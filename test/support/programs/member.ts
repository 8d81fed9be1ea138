/** One process of a pipeline that is killed, frozen, stopped and started again at the same address. */
import { type Program, startProgram } from "./process.ts";

export interface MemberOptions {
  /** `collector 2` */
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What is kept of what a life printed. */
const KEPT_OUTPUT = 4000;

export class Member implements AsyncDisposable {
  readonly name: string;
  /** How lives ended that nobody ended: the statuses, in order. A streamer's last one is 0. */
  readonly ends: number[] = [];
  readonly #options: MemberOptions;
  #life: { readonly program: Program; readonly over: Promise<void>; asked: boolean } | undefined;
  #lastWords = "";

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  /** @throws Error when it is not alive */
  get program(): Program {
    if (this.#life === undefined) throw new Error(`${this.name} is not alive; its last words:\n${this.#lastWords}`);
    return this.#life.program;
  }

  /** What the present life, or the last one, printed at the end. */
  get lastWords(): string {
    return this.#life === undefined ? this.#lastWords : wordsOf(this.#life.program);
  }

  start(): void {
    if (this.#life !== undefined) throw new Error(`${this.name} is alive already`);
    const program = startProgram(this.#options.command, { ...this.#options.env });
    const life = {
      program,
      asked: false,
      over: program.exited.then((status) => {
        this.#lastWords = wordsOf(program);
        if (!life.asked) this.ends.push(status);
        this.#life = undefined;
      }),
    };
    this.#life = life;
  }

  /** Resolves once it listens. */
  async listening(): Promise<void> {
    await this.program.logLine(({ message }) => message === "listening", { what: `${this.name} listens` });
  }

  /** SIGKILL, also to one that is frozen; resolves once it is gone. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM; resolves to the status with which it then ends. */
  async stop(): Promise<number> {
    const { program } = this;
    await this.#end("SIGTERM");
    return await program.exited;
  }

  /** SIGSTOP until disposed. */
  freeze(): Disposable {
    const { program } = this;
    program.kill("SIGSTOP");
    return { [Symbol.dispose]: () => program.kill("SIGCONT") };
  }

  /** Resolves when a life ends that nobody ends. */
  async ended(): Promise<void> {
    await this.#life?.over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    life.asked = true;
    life.program.kill(signal);
    await life.over;
  }
}

const wordsOf = ({ output }: Program): string => output.stdout.slice(-KEPT_OUTPUT) + output.stderr.slice(-KEPT_OUTPUT);
