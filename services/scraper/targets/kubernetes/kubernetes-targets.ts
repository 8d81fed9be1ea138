/** Targets that are the endpoints of a service in Kubernetes, followed by list and watch. */
import { messageOf } from "../../../../schema/model/errors.ts";
import { backoffMs } from "../../../platform/process/clock.ts";
import type { Target } from "../target.ts";
import type { TargetSource } from "../target-source.ts";
import { type ApiOptions, EndpointSliceApi, type SliceEvent, VersionExpired } from "./api.ts";
import { type EndpointSlice, targetsOf } from "./endpoint-slices.ts";
import { type ServiceName, serviceText } from "./service-name.ts";

/** Pauses between attempts: an API server that restarts has thousands of clients. */
const BACKOFF = { baseMs: 200, capMs: 30_000 };

/** A watch that has lasted this long counts as one that works, also if it had no event. */
const CALM_MS = 10_000;

type FollowOptions = Parameters<TargetSource["follow"]>[0];

export class KubernetesTargets implements TargetSource {
  readonly name: string;
  targets: readonly Target[] = [];
  problem: string | undefined;
  failures = 0;
  readonly #api: EndpointSliceApi;
  readonly #service: ServiceName;
  readonly #slices = new Map<string, EndpointSlice>();
  /** Where the next watch begins; undefined: a list comes first. */
  #version: string | undefined;
  /** Attempts since the last list or event, or since the last watch that lasted. */
  #attempt = 0;

  constructor(options: ApiOptions, service: ServiceName) {
    this.#api = new EndpointSliceApi(options, service);
    this.#service = service;
    this.name = serviceText(service);
  }

  async follow({ clock, changed, signal }: FollowOptions): Promise<void> {
    while (!signal.aborted) {
      const from = clock.monotonic();
      try {
        if (this.#version === undefined) await this.#list(changed, signal);
        else await this.#watch(this.#version, changed, signal);
        // A watch that the server has ended continues where it was.
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error, changed);
      }
      if (clock.monotonic() - from > CALM_MS) this.#attempt = 0;
      if (this.#attempt > 0) await clock.sleep(backoffMs(this.#attempt, BACKOFF), { signal });
    }
  }

  async #list(changed: () => void, signal: AbortSignal): Promise<void> {
    this.#attempt++;
    const { slices, version } = await this.#api.list(signal);
    this.#slices.clear();
    for (const slice of slices) this.#slices.set(slice.metadata.name, slice);
    this.#version = version;
    this.#attempt = 0;
    this.#learn(changed);
  }

  async #watch(version: string, changed: () => void, signal: AbortSignal): Promise<void> {
    this.#attempt++;
    using watch = await this.#api.watch(version, signal);
    this.#learn(changed);
    try {
      for await (const event of watch.events) {
        this.#attempt = 0;
        this.#apply(event, changed);
      }
    } catch (error) {
      // A connection that breaks is not a problem until the next one cannot be opened.
      if (!isConnectionError(error)) throw error;
    }
  }

  #apply(event: SliceEvent, changed: () => void): void {
    if (event.version !== "") this.#version = event.version;
    if (event.kind === "bookmark") return;
    const { name } = event.slice.metadata;
    if (event.kind === "set") this.#slices.set(name, event.slice);
    else this.#slices.delete(name);
    this.#learn(changed);
  }

  #learn(changed: () => void): void {
    const targets = targetsOf(this.#slices.values(), this.#service);
    if (targets.ok) this.targets = targets.value;
    else if (this.problem !== targets.error) this.failures++;
    this.problem = targets.ok ? undefined : targets.error;
    changed();
  }

  #fail(error: unknown, changed: () => void): void {
    this.#version = error instanceof VersionExpired || !isConnectionError(error) ? undefined : this.#version;
    // A version expires in the course of things, such as after a long outage.
    if (error instanceof VersionExpired) return;
    this.failures++;
    this.problem = messageOf(error) || String(error);
    changed();
  }
}

/** True for an error of the system or of a socket, which has a code of its own; false for one about the content. */
const isConnectionError = (error: unknown): boolean => error instanceof Error && "code" in error;
