/**
 * Locates the files that the gateway reads at run time. The bundler moves this module to `services/shared/`, which is
 * as deep as this folder, so its relative paths stay valid; those of the modules that use it would not.
 */

/** A file of `services/api-gateway/pages/`. */
export const pageFile = (name: string): URL => new URL(`../api-gateway/pages/${name}`, import.meta.url);

/** A file of `schema/generated/`. */
export const generatedFile = (name: string): URL => new URL(`../../schema/generated/${name}`, import.meta.url);
