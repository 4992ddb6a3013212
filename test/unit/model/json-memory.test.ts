import { describe, expect, it } from 'vitest';
import { memoryOfJson } from '../../../src/model/json-memory.ts';

const of = (json: string): number => memoryOfJson(Buffer.from(json));

describe('the memory of JSON', () => {
  it('grows with its text, and with the values in it', () => {
    expect(of('x'.repeat(1000))).toBe(64 + 3000);
    expect(of('客'.repeat(1000))).toBe(64 + 6000);
    expect(of(`[${'{},'.repeat(1000)}1]`)).toBe(64 + 3 * 3003 + 35 * (2001 - 12));
  });

  it('is not that of separators in strings, escaped quotes included', () => {
    const value = ',:[{'.repeat(1000);
    expect(of(JSON.stringify([`"${value}\\`, value]))).toBeLessThan(64 + 3 * 8100);
  });
});
