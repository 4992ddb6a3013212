import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFileOptions } from '../../../src/cli/arguments.ts';

describe('--file', () => {
  it('names files by their parameters, relative to the working folder', () => {
    expect(readFileOptions(['document=notes.txt', 'pictures=/a/1.png', 'pictures=/b/x=2.png'])).toEqual({
      args: {
        document: { path: resolve('notes.txt') },
        pictures: [{ path: '/a/1.png' }, { path: '/b/x=2.png' }],
      },
      folders: [resolve(), '/a', '/b'],
    });
    expect(readFileOptions([])).toEqual({ args: {}, folders: [] });
  });

  it.each(['notes.txt', '=notes.txt', 'document='])('refuses %s with an example', (option) => {
    expect(() => readFileOptions([option])).toThrow(
      `--file expects PARAMETER=PATH, got ${JSON.stringify(option)}.`,
    );
  });
});
