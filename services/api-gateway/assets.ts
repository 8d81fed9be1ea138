/**
 * Locates the files that the gateway reads at run time. The bundler moves this module to `services/shared/`, which is
 * as deep as this folder, so its relative paths stay valid. The relative paths of
 * the modules in `graph/` and `pages/` would not.
 */

/** Returns the location of a file in `services/api-gateway/pages/`. */
export const pageFile = (name: string): URL => new URL(`../api-gateway/pages/${name}`, import.meta.url);

/** Returns the location of a file in `schema/generated/`. */
export const generatedFile = (name: string): URL => new URL(`../../schema/generated/${name}`, import.meta.url);
