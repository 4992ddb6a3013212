import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { canonical, entryKey, entryKeys } from './json-values.ts';
import { allowsMoreKeys, conformTo } from './output-schema.ts';

/** A block of text of the result, with the facts that structured content needs. */
export interface ShownText {
  readonly text: string;
  /** The text's JSON value, if the text is JSON. */
  readonly whole?: Json;
}

export interface StructuredInput {
  /** The distinct values of json messages, in order. */
  readonly values: readonly Json[];
  readonly variables: readonly (readonly [string, Json])[];
  /** All texts of the result, including those that repeat the values. */
  readonly texts: readonly ShownText[];
  readonly outputSchema: JsonObject | undefined;
}

/**
 * Returns structured content and notes on what it could not include. It is complete by itself, because clients may show
 * the model nothing else.
 *
 * - A single json object is the structured content. Any other value becomes its `json`; several values become a list.
 * - Variables are entries of their own. If the json object has another value under a variable's name, the object moves
 *   to `json`.
 * - Text that says more than these values becomes its `text`, joined by line breaks. These names are Dify's own: its
 *   tool node returns `text` and `json` next to the variables, which may not have these names.
 *
 * Without values and variables there is no structured content, unless the tool has an output schema.
 */
export function buildStructuredContent({ values, variables, texts, outputSchema }: StructuredInput): {
  readonly content?: JsonObject;
  readonly notes: readonly string[];
} {
  if (values.length === 0 && variables.length === 0 && outputSchema === undefined) return { notes: [] };

  const [first] = values;
  const only = values.length === 1 && isJsonObject(first) && agrees(first, variables) ? first : undefined;
  const own = Object.fromEntries(variables);
  const spread = only && { ...only, ...own };
  const nested = values.length === 0 ? own : { json: values.length === 1 ? first : values, ...own };

  let { content, notes } = conformTo(outputSchema, spread ?? nested);
  let text = leftoverText(content, values, texts, notes);
  if (text !== '' && spread !== undefined && Object.hasOwn(content, 'text')) {
    ({ content, notes } = conformTo(outputSchema, nested));
    text = leftoverText(content, values, texts, notes);
  }
  if (text === '') return { content, notes };
  if (!Object.hasOwn(content, 'text') && allowsMoreKeys(outputSchema))
    return { content: { ...content, text }, notes };
  // A variable is named `text`. Without an output schema, no structured content is better than an incomplete one.
  return outputSchema === undefined ? { notes } : { content, notes };
}

function agrees(value: JsonObject, variables: readonly (readonly [string, Json])[]): boolean {
  return variables.every(([name, held]) => {
    const item = Object.hasOwn(value, name) ? value[name] : undefined;
    return item === undefined || canonical(item) === canonical(held);
  });
}

function leftoverText(
  content: JsonObject,
  values: readonly Json[],
  texts: readonly ShownText[],
  notes: readonly string[],
): string {
  const known = new Set(values.map(canonical));
  const entries = new Set(entryKeys(content));
  const strings = new Set(Object.values(content));
  const said = ({ text, whole }: ShownText): boolean => {
    if (whole === undefined) return strings.has(text);
    if (known.has(canonical(whole))) return true;
    return (
      isJsonObject(whole) &&
      Object.entries(whole).every(([name, item]) => item === undefined || entries.has(entryKey(name, item)))
    );
  };
  const left = texts.filter((shown) => !said(shown)).map(({ text }) => text);
  return [...left, ...notes].join('\n');
}
