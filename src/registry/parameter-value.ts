import type { ToolParameter, ToolRef } from '../model/tool.ts';
import { DEFAULT_SOURCES, fileRefusal, fileRemark, takesManyFiles } from './file-parameter.ts';
import { valueOfJsonSchema } from './json-schema.ts';
import type { RegistryRules } from './rules.ts';
import type { Shape, Value } from './shape.ts';
import { listed, pickText, tidy, withRemark } from './text.ts';

const SELECTOR_TYPES: ReadonlySet<string> = new Set(['model-selector', 'app-selector']);
const CHOICE_TYPES: ReadonlySet<string> = new Set(['select', 'dynamic-select']);

/** The longest list of choices in a description, in characters. */
const MAX_LISTED = 400;

/** Returns whether a parameter selects a model or an app, for which Dify never provides a value. */
export function isSelector(parameter: ToolParameter): boolean {
  return SELECTOR_TYPES.has(parameter.type);
}

/** Returns the distinct values of a `select`, without the empty text, which model providers refuse in an enum. */
export function choicesOf(parameter: ToolParameter): string[] {
  return [...new Set(parameter.options.map(({ value }) => value))].filter((value) => value !== '');
}

/** Returns whether a `select` has no choices. */
export function offersNothing(parameter: ToolParameter): boolean {
  return parameter.type === 'select' && choicesOf(parameter).length === 0;
}

/** What a parameter's value depends on besides the parameter. */
export interface ValueContext {
  readonly ref: ToolRef;
  readonly rules: Pick<RegistryRules, 'languages' | 'fileSources'>;
}

/**
 * Returns the values that a parameter accepts, and its description for a model. Unknown types accept any JSON value.
 * `description` replaces the declared one.
 */
export function parameterValue(parameter: ToolParameter, context: ValueContext, description?: string): Value {
  const { languages } = context.rules;
  const { value, remarks } = typedValue(parameter, context);
  const own =
    tidy(description) ||
    tidy(parameter.llmDescription) ||
    pickText(parameter.humanDescription, languages) ||
    value.description ||
    pickText(parameter.label, languages);
  const text = withRemark(own, remarks.join(' '), own.endsWith('.') ? ' ' : '. ');
  return { shape: value.shape, description: text === '' ? undefined : text };
}

interface TypedValue {
  readonly value: Value;
  /** What the shape does not express. */
  readonly remarks: readonly string[];
}

function typedValue(parameter: ToolParameter, context: ValueContext): TypedValue {
  if (parameter.inputSchema !== undefined) {
    // The schema of an array or object often omits only its type.
    const type = ['array', 'object'].includes(parameter.type) ? { type: parameter.type } : {};
    return { value: valueOfJsonSchema({ ...type, ...parameter.inputSchema }), remarks: [] };
  }
  if (CHOICE_TYPES.has(parameter.type)) return choiceValue(parameter, context.rules.languages);
  switch (parameter.type) {
    case 'string':
    case 'secret-input':
      return { value: { shape: { kind: 'string' } }, remarks: choiceRemarks(parameter) };
    case 'number':
      return { value: { shape: numberShape(parameter) }, remarks: [] };
    case 'boolean':
    case 'checkbox':
      return { value: { shape: { kind: 'boolean' } }, remarks: [] };
    case 'file':
    case 'files':
    case 'system-files':
      return fileValue(parameter, context);
    case 'array':
      return { value: { shape: { kind: 'array', items: { shape: { kind: 'any' } } } }, remarks: [] };
    case 'object':
      return { value: { shape: OPEN_OBJECT }, remarks: [] };
    case 'model-selector':
      return {
        value: { shape: OPEN_OBJECT },
        remarks: ['A model in Dify, such as {"provider":"openai","model":"gpt-4o","model_type":"llm"}.'],
      };
    case 'app-selector':
      return { value: { shape: OPEN_OBJECT }, remarks: ['An app in Dify, such as {"app_id":"its id"}.'] };
    case 'date':
      return { value: { shape: { kind: 'string' } }, remarks: ['A date such as 2025-12-31.'] };
    case 'date-range':
      return { value: { shape: DATE_RANGE }, remarks: [] };
    case 'any':
      return { value: { shape: { kind: 'any' } }, remarks: ['Any JSON value.'] };
    default:
      return {
        value: { shape: { kind: 'any' } },
        remarks: [`Any JSON value (Dify's type ${parameter.type}).`],
      };
  }
}

function fileValue(parameter: ToolParameter, { ref, rules }: ValueContext): TypedValue {
  const sources = rules.fileSources ?? DEFAULT_SOURCES;
  const many = takesManyFiles(parameter);
  const file: Shape = { kind: 'file', sources };
  const shape: Shape = many ? { kind: 'array', items: { shape: file } } : file;
  const refusal = fileRefusal(ref);
  return { value: { shape }, remarks: [refusal ?? fileRemark(sources, many)] };
}

const OPEN_OBJECT: Shape = { kind: 'object', properties: [], open: true };

const DATE_RANGE: Shape = {
  kind: 'object',
  open: false,
  properties: [
    {
      name: 'start',
      required: true,
      shape: { kind: 'string' },
      description: 'First day, such as 2025-12-01.',
    },
    { name: 'end', required: true, shape: { kind: 'string' }, description: 'Last day, such as 2025-12-31.' },
  ],
};

function choiceValue(parameter: ToolParameter, languages: readonly string[]): TypedValue {
  const choices = choicesOf(parameter);
  // Dify asks the plugin for the choices of a dynamic-select, so the listed choices may be incomplete.
  const closed = parameter.type === 'select' && choices.length > 0;
  const one: Shape = closed ? { kind: 'choice', values: choices } : { kind: 'string' };
  const remarks = closed ? labelRemarks(parameter, languages) : choiceRemarks(parameter);
  const shape: Shape = parameter.multiple === true ? { kind: 'array', items: { shape: one } } : one;
  return { value: { shape }, remarks };
}

/** Returns a remark with the choices of a parameter that also accepts other values. */
function choiceRemarks(parameter: ToolParameter): string[] {
  const choices = choicesOf(parameter);
  return choices.length === 0 ? [] : [`Choices: ${listed(choices, MAX_LISTED)}.`];
}

/** Returns a remark with the meaning of choices whose value, such as `2`, does not explain itself. */
function labelRemarks(parameter: ToolParameter, languages: readonly string[]): string[] {
  const meanings = parameter.options
    .map(({ value, label }) => ({ value, label: pickText(label, languages) }))
    .filter(({ value, label }) => label !== '' && /^[\d_.-]+$/.test(value) && label !== value)
    .map(({ value, label }) => `${value} = ${label}`);
  return meanings.length === 0 ? [] : [`${listed([...new Set(meanings)], MAX_LISTED)}.`];
}

function numberShape({ min, max }: ToolParameter): Shape {
  // Bounds that exclude everything are an error in the declaration, so they are ignored.
  if (min !== undefined && max !== undefined && min > max) return { kind: 'number', integer: false };
  return { kind: 'number', integer: false, min, max };
}
