import * as fc from '../../../support/fast-check.ts';
import { expect, test } from 'vitest';
import { errorFromFrame } from '../../../../src/dify/inner/invoker.ts';

/** An answer of that version, which knows no secrets. */
const dify = (version?: string) => ({ version, mask: (words: string) => words });

test.each([
  ['q is required in input form', 'The tool failed: q is required in input form'],
  [
    'Request failed with status code 422 and {"detail": "nope"}',
    'The tool failed: Request failed with status code 422 and {"detail": "nope"}',
  ],
  [
    'req_id: f00 PluginInvokeError: {"args": {}, "error_type": "ToolInvokeError", "message": "kaput"}',
    'The tool failed: kaput',
  ],
  [
    'PluginInvokeError: {"args":{},"error_type":"ToolProviderCredentialValidationError","message":"bad key"}',
    'The tool failed: ToolProviderCredentialValidationError: bad key',
  ],
  [
    'req_id: f00 PluginDaemonInnerError: {"error_type":"ToolInvokeError","message":"{\\"error_type\\":\\"Exception\\",\\"message\\":\\"inner\\"}"}',
    'The tool failed: inner',
  ],
  ['PluginInvokeError: {"message":{"error":"from an object"}}', 'The tool failed: from an object'],
  [
    'PluginInvokeError: {"error_type":"KeyError","message":"{\\"status\\":5}"}',
    'The tool failed: KeyError: {"status":5}',
  ],
  [
    'req_id: f00 PluginInvokeError: {"args": {}, "message": "cut o',
    'The tool failed: PluginInvokeError: {"args": {}, "message": "cut o',
  ],
  ['PluginInvokeError: {"args":{}}', 'The tool failed: PluginInvokeError: {"args":{}}'],
  ['PluginInvokeError: {"error_type":"TimeoutError","message":""}', 'The tool failed: TimeoutError'],
])('%s', (text, message) => {
  const error = errorFromFrame(text, dify());
  expect(error.code).toBe('tool_failed');
  expect(error.message).toBe(message);
  expect(error.hint).toBeUndefined();
});

test.each(['', '   '])('an empty text, as when the plugin daemon goes down: %j', (text) => {
  const error = errorFromFrame(text, dify());
  expect(error.message).toBe('The tool failed without saying why.');
  expect(error.hint).toContain('plugin daemon');
});

test('wrappers are opened so far and no further', () => {
  let text = 'core';
  for (let depth = 0; depth < 10; depth += 1)
    text = `PluginInvokeError: ${JSON.stringify({ message: text })}`;
  const { message } = errorFromFrame(text, dify());
  expect(message).toContain('core');
  expect(message).toContain('PluginInvokeError');
});

test('a long text is cut', () => {
  const { message } = errorFromFrame('😀'.repeat(5000), dify());
  expect(message.length).toBeLessThan(4100);
  expect(message.endsWith('😀…')).toBe(true);
});

test('the error of Dify 1.12 with files of workflows is named, in that version only', () => {
  const text = '1 validation error for FileMessage … missing file_marker …';
  expect(errorFromFrame(text, dify('1.12.1')).hint).toContain('1.13');
  expect(errorFromFrame(text, dify('1.13.0')).hint).toBeUndefined();
  expect(errorFromFrame('file is missing', dify('1.12.1')).hint).toBeUndefined();
});

test('any text makes an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(errorFromFrame(`PluginInvokeError: ${text}`, dify()).code).toBe('tool_failed');
    }),
  );
});
