import { type Json, type JsonObject, listOf, objectOf } from '../../model/json.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import { toToolInvokeMessage } from '../inner/wire-message.ts';
import type { CallTarget } from '../wire/failures.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { runError } from './account-errors.ts';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** The line that Dify adds to the text for each file that a tool sent as a link. */
const FILE_LINE = new RegExp(`File: \\S*/files/(?:tools/)?${UUID}\\S*\\n`, 'g');
/** Outputs that are not variables. */
const RESERVED = new Set(['text', 'json', 'files']);

/** Yields a finished run as the inner API would send it, in the order of the tool's kind. Throws as `runError` says. */
export function* messagesOf(
  run: JsonObject,
  target: CallTarget,
  answer: Pick<DifyAnswer, 'mask' | 'version'>,
): Generator<ToolInvokeMessage, void, undefined> {
  const { status, error } = run;
  if (status !== 'succeeded' && status !== 'partial-succeeded')
    throw runError(typeof error === 'string' ? error : '', answer, target);
  const { providerType } = target;
  const outputs = objectOf(run['outputs']);
  const { text, json, files } = outputs;
  const words = typeof text === 'string' ? text.replaceAll(FILE_LINE, '') : '';
  const texts: ToolInvokeMessage[] = words === '' ? [] : [{ type: 'text', text: words }];
  const values = jsonValues(json).map((value): ToolInvokeMessage => ({ type: 'json', value }));
  const fileMessages = listOf(files).map((file) =>
    toToolInvokeMessage({ type: 'file', message: {}, meta: { file } }),
  );
  const variables = Object.entries(outputs).flatMap(([name, value]): ToolInvokeMessage[] =>
    RESERVED.has(name) || value === undefined ? [] : [{ type: 'variable', name, value, stream: false }],
  );
  if (providerType === 'workflow') yield* [...fileMessages, ...variables, ...texts, ...values];
  else if (providerType === 'api') yield* [...values, ...texts, ...fileMessages, ...variables];
  else yield* [...texts, ...values, ...fileMessages, ...variables];
}

/** Returns the json messages of a run. Dify writes `[{"data": []}]` if there was none. */
function jsonValues(json: Json | undefined): readonly Json[] {
  const values = listOf(json);
  const { data, ...others } = objectOf(values[0]);
  const isEmpty = Array.isArray(data) && data.length === 0 && Object.keys(others).length === 0;
  return values.length === 1 && isEmpty ? [] : values;
}
