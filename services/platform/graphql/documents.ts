/**
 * Caches parsed and validated documents, bounded by the size of their text. The cache of graphql-yoga holds a thousand
 * documents of any size, each with its query plans: one caller that varies its queries could exhaust the memory.
 */
import type { DocumentNode, GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";
import { LRUCache } from "lru-cache";

/** Maximum length of all cached texts together. A document and its plans take about 200 times its text in memory. */
const MAX_CHARACTERS = 200_000;
/** Longer documents are not cached. */
const MAX_DOCUMENT_CHARACTERS = 20_000;

const isYogas = (plugin: object): boolean => Object.keys(plugin).sort().join() === "onParse,onValidate";

/**
 * Returns a plugin that replaces yoga's own cache, which Hive's gateway cannot disable. It must be the last plugin, so
 * that it caches documents as the other plugins have changed them.
 * @throws Error if yoga's cache is not found
 */
export function keepDocuments(): Pick<Plugin, "onPluginInit" | "onParse" | "onValidate"> {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CHARACTERS,
    maxEntrySize: MAX_DOCUMENT_CHARACTERS,
    sizeCalculation: (_document, text) => text.length + 1,
  });
  const judgements = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  return {
    onPluginInit({ plugins }) {
      const place = plugins.findIndex(isYogas);
      if (place === -1) throw new Error("Document cache of graphql-yoga not found: adapt isYogas() to its version");
      plugins.splice(place, 1);
    },
    onParse({ params, setParsedDocument }) {
      const text = params.source.toString();
      const known = documents.get(text);
      if (known !== undefined) {
        setParsedDocument(known);
        return undefined;
      }
      return ({ result }) => {
        if (result !== null && !(result instanceof Error)) documents.set(text, result);
      };
    },
    onValidate({ params: { documentAST }, setResult }) {
      const known = judgements.get(documentAST);
      if (known !== undefined) {
        setResult(known);
        return undefined;
      }
      return ({ result }) => void judgements.set(documentAST, result as readonly GraphQLError[]);
    },
  };
}
