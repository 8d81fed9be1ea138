/** A fake mongod with `--replSet` and `--keyFile`: the part that the script for initiation and users needs. */

interface Account {
  readonly user: string;
  readonly pwd: string;
  readonly roles: readonly string[];
}

export interface ReplicaSet {
  /** Host of the only member; null before initiation. */
  readonly member: string | null;
  /** `database.user` → password and roles. */
  readonly users: Readonly<Record<string, Account>>;
}

/** Runs mongosh scripts on a server whose state stays between runs. */
export class FakeReplicaSet implements ReplicaSet {
  member: string | null = null;
  users: Record<string, Account> = {};
  /** Changes that succeed before the container is killed. */
  #left = Number.POSITIVE_INFINITY;
  #signedIn = false;

  /** Runs a script as a new mongosh from localhost. @throws the error of the script */
  run(script: string, env: Readonly<Record<string, string>>, { killedAfter = Number.POSITIVE_INFINITY } = {}): void {
    this.#left = killedAfter;
    this.#signedIn = false;
    const rs = { initiate: (set: { members: { host: string }[] }) => this.#initiate(set.members[0]?.host ?? "") };
    const run = new Function("db", "rs", "sleep", "process", script);
    run(this.#database("test"), rs, () => {}, { env });
  }

  /** The localhost exception: without a login, changes are allowed only until the first user exists. */
  #change(act: () => void): void {
    if (this.#left-- <= 0) throw new Error("killed");
    if (!this.#signedIn && Object.keys(this.users).length > 0) throw new Error("Command requires authentication");
    act();
  }

  #initiate(host: string): void {
    this.#change(() => {
      if (this.member !== null) throw new Error("already initialized");
      this.member = host;
    });
  }

  #database(name: string): object {
    const key = (user: string) => `${name}.${user}`;
    return {
      getSiblingDB: (other: string) => this.#database(other),
      hello: () => (this.member === null ? {} : { setName: "rs0", isWritablePrimary: true }),
      auth: (user: string, pwd: string) => {
        if (this.users[key(user)]?.pwd !== pwd) throw new Error("Authentication failed.");
        this.#signedIn = true;
        return { ok: 1 };
      },
      getUser: (user: string) => this.users[key(user)] ?? null,
      createUser: (account: Account) =>
        this.#change(() => {
          if (this.member === null) throw new Error("not primary");
          if (this.users[key(account.user)] !== undefined) throw new Error(`User "${account.user}" already exists`);
          this.users[key(account.user)] = account;
        }),
      changeUserPassword: (user: string, pwd: string) =>
        this.#change(() => {
          this.users[key(user)] = { ...(this.users[key(user)] as Account), pwd };
        }),
    };
  }
}
