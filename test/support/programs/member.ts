/** One process of a pipeline. A test may kill, freeze, stop and restart it at the same address. */
import { type Program, startProgram } from "./process.ts";

export interface MemberOptions {
  /** `collector 2` */
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Length of the kept end of the output, per stream. */
const KEPT_OUTPUT = 4000;

export class Member implements AsyncDisposable {
  readonly name: string;
  /** Exit statuses of the lives that ended by themselves, in order. A streamer's last one is 0. */
  readonly ends: number[] = [];
  #options: MemberOptions;
  #restarts: Promise<void> = Promise.resolve();
  #life: { readonly program: Program; readonly over: Promise<void>; asked: boolean } | undefined;
  #lastWords = "";

  constructor(options: MemberOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  /** The running process. @throws Error when it is not alive */
  get program(): Program {
    if (this.#life === undefined) throw new Error(`${this.name} is not running; its last output:\n${this.#lastWords}`);
    return this.#life.program;
  }

  /** End of the output of the present life, or of the last one. */
  get lastWords(): string {
    return this.#life === undefined ? this.#lastWords : wordsOf(this.#life.program);
  }

  start(): void {
    if (this.#life !== undefined) throw new Error(`${this.name} is running already`);
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

  /** Changes the command, and adds to the environment, of all lives from the next start on. */
  become({ command, env }: { command: readonly string[]; env: Readonly<Record<string, string>> }): void {
    this.#options = { ...this.#options, command, env: { ...this.#options.env, ...env } };
  }

  /** Kills the process and starts it again after `away`. Restarts happen one after another; the dead stay dead. */
  restart(away: () => Promise<void> = async () => {}): Promise<void> {
    const restarted = this.#restarts.then(async () => {
      if (!this.alive) return;
      await this.kill();
      await away();
      this.start();
    });
    this.#restarts = restarted.catch(() => {});
    return restarted;
  }

  /** Resolves once the process listens. */
  async listening(): Promise<void> {
    await this.program.logLine(({ message }) => message === "listening", { what: `${this.name} listens` });
  }

  /** Sends SIGKILL, also to a frozen process; resolves once it has ended. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Sends SIGTERM; resolves to the exit status. */
  async stop(): Promise<number> {
    const { program } = this;
    await this.#end("SIGTERM");
    return await program.exited;
  }

  /** Stops the process with SIGSTOP until disposed. */
  freeze(): Disposable {
    const { program } = this;
    program.kill("SIGSTOP");
    return { [Symbol.dispose]: () => program.kill("SIGCONT") };
  }

  /** Resolves once the process has ended by itself. */
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
