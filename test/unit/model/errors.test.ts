import { describe, expect, it } from 'vitest';
import { asBridgeError, BridgeError, ERROR_RULES } from '../../../src/model/errors.ts';

describe('BridgeError', () => {
  it('reads as message, problems and next step', () => {
    const error = new BridgeError('invalid_arguments', 'The arguments do not fit.', {
      problems: [
        { path: '/city', message: 'expected a string' },
        { path: '', message: 'expected an object' },
      ],
      hint: 'Call again.',
    });
    expect(error.toText()).toBe(
      'The arguments do not fit.\n- /city: expected a string\n- expected an object\nCall again.',
    );
  });

  it('keeps a BridgeError and wraps everything else without repeating it', () => {
    const error = new BridgeError('busy', 'Too many.');
    expect(asBridgeError(error)).toBe(error);
    const wrapped = asBridgeError(new Error('secret detail'));
    expect(wrapped.code).toBe('internal');
    expect(wrapped.toText()).not.toContain('secret detail');
    expect((wrapped.cause as Error).message).toBe('secret detail');
  });
});

describe('the table of errors', () => {
  const rules = Object.entries(ERROR_RULES);

  it('uses only the documented exit codes and codes of JSON-RPC', () => {
    for (const [code, rule] of rules) {
      expect([1, 2, 4, 130], code).toContain(rule.exit);
      expect(Number.isInteger(rule.rpc) && rule.rpc < 0, code).toBe(true);
      expect(rule.http === 200 || (rule.http >= 400 && rule.http < 600), code).toBe(true);
      expect(rule.meaning, code).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('puts what happens during a call into the result, where a model reads it', () => {
    for (const code of [
      'invalid_arguments',
      'tool_failed',
      'upstream_unreachable',
      'busy',
      'internal',
    ] as const) {
      expect(ERROR_RULES[code].mcp).toBe('result');
    }
    expect(ERROR_RULES.tool_not_found.mcp).toBe('protocol');
  });
});
