import type { ToolParameter, ToolRef } from '../model/tool.ts';
import { DEFAULT_SOURCES, fileRefusal, fileRemark, takesManyFiles } from './file-parameter.ts';
import { valueOfJsonSchema } from './json-schema.ts';
import type { RegistryRules } from './rules.ts';
import type { Shape, Value } from './shape.ts';
import { lettersOf, listed, MAX_LISTED, pickText, tidy, withSentences } from './text.ts';

const SELECTOR_TYPES: ReadonlySet<string> = new Set(['model-selector', 'app-selector']);
const CHOICE_TYPES: ReadonlySet<string> = new Set(['select', 'dynamic-select']);

/** Returns whether a parameter selects a model or an app, for which Dify never provides a value. */
export function isSelector(parameter: ToolParameter): boolean {
  return SELECTOR_TYPES.has(parameter.type);
}

/** Returns the distinct values of a `select`, without the empty text, which model providers refuse in an enum. */
export function choicesOf(parameter: ToolParameter): string[] {
  return [...new Set(parameter.options.map(({ value }) => value))].filter((value) => value !== '');
}

export function offersNothing(parameter: ToolParameter): boolean {
  return parameter.type === 'select' && choicesOf(parameter).length === 0;
}

interface ValueContext {
  readonly ref: ToolRef;
  readonly rules: Pick<RegistryRules, 'languages' | 'fileSources'>;
}

/** Returns which values a parameter takes, with its description or `description`. Unknown types take any value. */
export function parameterValue(parameter: ToolParameter, context: ValueContext, description?: string): Value {
  const { languages } = context.rules;
  const { shape, remark = '', ...declared } = typedValue(parameter, context);
  const own =
    tidy(description) ||
    [
      tidy(parameter.llmDescription),
      pickText(parameter.humanDescription, languages),
      declared.description ?? '',
      pickText(parameter.label, languages),
    ].find((text) => text !== '' && lettersOf(text) !== lettersOf(parameter.name)) ||
    '';
  const text = withSentences(own, remark);
  return { shape, description: text === '' ? undefined : text };
}

interface TypedValue {
  readonly shape: Shape;
  readonly description?: string | undefined;
  /** What the shape does not express. */
  readonly remark?: string | undefined;
}

function typedValue(parameter: ToolParameter, context: ValueContext): TypedValue {
  const { type, inputSchema } = parameter;
  if (inputSchema !== undefined) {
    // The schema of an array or object often omits only its type.
    return valueOfJsonSchema({ ...(['array', 'object'].includes(type) && { type }), ...inputSchema });
  }
  if (CHOICE_TYPES.has(type)) return choiceValue(parameter, context.rules.languages);
  switch (type) {
    case 'string':
    case 'secret-input':
      return { shape: TEXT, remark: choiceRemark(parameter, context.rules.languages) };
    case 'number':
      return { shape: numberShape(parameter) };
    case 'boolean':
    case 'checkbox':
      return { shape: { kind: 'boolean' } };
    case 'file':
    case 'files':
    case 'system-files':
      return fileValue(parameter, context);
    case 'array':
      return { shape: { kind: 'array', items: { shape: { kind: 'any' } } } };
    case 'object':
      return { shape: OPEN_OBJECT };
    case 'model-selector':
      return { shape: OPEN_OBJECT, remark: `A model in Dify, such as ${MODEL_EXAMPLE}.` };
    case 'app-selector':
      return { shape: OPEN_OBJECT, remark: 'An app in Dify, such as {"app_id":"its id"}.' };
    case 'date':
      return { shape: TEXT, remark: 'A date such as 2025-12-31.' };
    case 'date-range':
      return { shape: DATE_RANGE };
    case 'any':
      return { shape: { kind: 'any' }, remark: 'Any JSON value.' };
    default:
      return { shape: { kind: 'any' }, remark: `Any JSON value (Dify's type ${type}).` };
  }
}

function fileValue(parameter: ToolParameter, { ref, rules }: ValueContext): TypedValue {
  const sources = rules.fileSources ?? DEFAULT_SOURCES;
  const many = takesManyFiles(parameter);
  const file: Shape = { kind: 'file', sources };
  const shape: Shape = many ? { kind: 'array', items: { shape: file } } : file;
  return { shape, remark: fileRefusal(ref) ?? fileRemark(sources, many) };
}

const TEXT: Shape = { kind: 'string' };
const OPEN_OBJECT: Shape = { kind: 'object', properties: [], open: true };
const MODEL_EXAMPLE = '{"provider":"openai","model":"gpt-4o","model_type":"llm"}';

const DATE_RANGE: Shape = {
  kind: 'object',
  open: false,
  properties: [
    { name: 'start', required: true, shape: TEXT, description: 'First day, such as 2025-12-01.' },
    { name: 'end', required: true, shape: TEXT, description: 'Last day, such as 2025-12-31.' },
  ],
};

function choiceValue(parameter: ToolParameter, languages: readonly string[]): TypedValue {
  const choices = choicesOf(parameter);
  // Dify asks the plugin for the choices of a dynamic-select, so the listed choices may be incomplete.
  const closed = parameter.type === 'select' && choices.length > 0;
  const one: Shape = closed ? { kind: 'choice', values: choices } : TEXT;
  const remark = closed ? labelRemark(parameter, languages) : choiceRemark(parameter, languages);
  return { shape: parameter.multiple === true ? { kind: 'array', items: { shape: one } } : one, remark };
}

/** Returns a remark with the choices of a parameter that also accepts other values. */
function choiceRemark(parameter: ToolParameter, languages: readonly string[]): string | undefined {
  const labels = labelsOf(parameter, languages);
  const choices = choicesOf(parameter).map((value) => labels.get(value) ?? value);
  return choices.length === 0 ? undefined : `Choices: ${listed(choices, MAX_LISTED)}.`;
}

/** Returns a remark with the labels of choices that differ from their values. */
function labelRemark(parameter: ToolParameter, languages: readonly string[]): string | undefined {
  const labels = [...labelsOf(parameter, languages).values()];
  return labels.length === 0 ? undefined : `${listed(labels, MAX_LISTED)}.`;
}

/** Returns `value = label` for each choice whose label says more than its value. */
function labelsOf({ options }: ToolParameter, languages: readonly string[]): Map<string, string> {
  const labels = new Map<string, string>();
  for (const { value, label } of options) {
    const text = pickText(label, languages);
    if (value !== '' && text !== '' && lettersOf(text) !== lettersOf(value) && !labels.has(value))
      labels.set(value, `${value} = ${text}`);
  }
  return labels;
}

function numberShape({ min, max }: ToolParameter): Shape {
  // Bounds that exclude everything are an error in the declaration, so they are ignored.
  if (min !== undefined && max !== undefined && min > max) return { kind: 'number', integer: false };
  return { kind: 'number', integer: false, min, max };
}
