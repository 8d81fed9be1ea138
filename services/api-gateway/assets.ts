/**
 * Files that the gateway reads at run time. They are located from here because a bundle puts this module into a folder
 * of the same depth (`services/shared/`), while the modules that use it lie deeper.
 */

/** A file of `services/api-gateway/pages/`. */
export const pageFile = (name: string): URL => new URL(`../api-gateway/pages/${name}`, import.meta.url);

/** A file of `schema/generated/`. */
export const generatedFile = (name: string): URL => new URL(`../../schema/generated/${name}`, import.meta.url);
