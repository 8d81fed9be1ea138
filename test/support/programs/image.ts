/** The image, built by the product's own script over bases that are made of this machine's programs. */
import { join } from "node:path";
import { $ } from "bun";
import { hasContainerEngine, withoutBackend } from "../servers/backend.ts";
import { BUN, ROOT } from "./process.ts";

/** What stands in for the images of a registry; test/support/containers/bases makes them. */
export const STAND_INS = {
  REDIS_IMAGE: "stand-in/redis:7",
  MONGO_IMAGE: "stand-in/mongo:8",
} as const;

/** @throws Error for want of an engine when `REQUIRE_BACKENDS=1` */
export async function haveContainers(suite: string): Promise<boolean> {
  if (Bun.which("docker") !== null && (await hasContainerEngine())) return true;
  return withoutBackend(suite, "a Docker engine, at DOCKER_HOST or where Docker has it, and its command line") !== null;
}

const BUILD = join(ROOT, "test/support/containers/image");

/** The name of the image of the files as they are. Layers that are there are not made again. */
export const buildImage = async (): Promise<string> => (await $`${BUILD} ${BUN}`.quiet().text()).trim();

/** What the engine says of an image or a container. */
// biome-ignore lint/suspicious/noExplicitAny: the engine's own shape
export const inspect = async (name: string): Promise<any> => (await $`docker inspect ${name}`.quiet().json())[0];

export interface ImageFile {
  /** From the root, without a leading slash; a folder's ends with one. */
  readonly path: string;
  /** `-rwxr-xr-x` */
  readonly mode: string;
}

/** All files of the image, and what the engine puts beside them when it makes a container. */
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
