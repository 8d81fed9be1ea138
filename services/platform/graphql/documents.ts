/**
 * Documents that were read and judged before, kept by the size of their text. yoga keeps a thousand of any size, and
 * with each what was planned for it: enough for one caller of ever new queries to fill the memory of a process.
 */
import type { DocumentNode, GraphQLError } from "graphql";
import type { Plugin } from "graphql-yoga";
import { LRUCache } from "lru-cache";

/** Of all texts together; in memory a document and its plans take some two hundred times its text. */
const MAX_CHARACTERS = 200_000;
/** Longer ones are read anew each time. */
const MAX_DOCUMENT_CHARACTERS = 20_000;

const isYogas = (plugin: object): boolean => Object.keys(plugin).sort().join() === "onParse,onValidate";

/**
 * The last of all plugins: it keeps what the others have made of a document. It takes the place of yoga's own cache,
 * which Hive's gateway has no option to do without.
 * @throws Error where yoga's is not found
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
      if (place === -1) throw new Error("graphql-yoga has no cache of documents that looks like the one known");
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
