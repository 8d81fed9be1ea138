/** Builds the image with the product's own script, over bases that are built from programs of this machine. */
import { join } from "node:path";
import { $ } from "bun";
import { hasContainerEngine, withoutBackend } from "../servers/backend.ts";
import { BUN, ROOT } from "./process.ts";

/** Replacements for images of a registry, built by test/support/containers/bases. */
export const STAND_INS = {
  REDIS_IMAGE: "stand-in/redis:7",
  MONGO_IMAGE: "stand-in/mongo:8",
} as const;

/** Whether there is a container engine. @throws Error when there is none and `REQUIRE_BACKENDS=1` */
export async function haveContainers(suite: string): Promise<boolean> {
  if (Bun.which("docker") !== null && (await hasContainerEngine())) return true;
  return withoutBackend(suite, "a Docker engine (DOCKER_HOST or the default socket) and the docker command") !== null;
}

const BUILD = join(ROOT, "test/support/containers/image");

/** Builds the image from the working tree; layers that exist are reused. @returns its name */
export const buildImage = async (): Promise<string> => (await $`${BUILD} ${BUN}`.quiet().text()).trim();

/** Returns what the engine knows about an image or a container. */
// biome-ignore lint/suspicious/noExplicitAny: the engine's own shape
export const inspect = async (name: string): Promise<any> => (await $`docker inspect ${name}`.quiet().json())[0];

export interface ImageFile {
  /** Path from the root without a leading slash; the path of a folder ends with a slash. */
  readonly path: string;
  /** `-rwxr-xr-x` */
  readonly mode: string;
}

/** Lists all files of the image, including those that the engine adds to a container. */
export async function filesOf(image: string): Promise<ImageFile[]> {
  const container = (await $`docker create ${image}`.quiet().text()).trim();
  try {
    const listing = await $`docker export ${container} | tar --list --verbose --numeric-owner`.quiet().text();
    return listing
      .trim()
      .split("\n")
      .map((line) => /^(\S+) \S+ +\d+ \S+ \S+ (.*?)(?: -> .*)?$/.exec(line))
      .map((match) => ({ mode: match?.[1] ?? "", path: match?.[2] ?? "" }));
  } finally {
    await $`docker rm ${container}`.quiet();
  }
}
