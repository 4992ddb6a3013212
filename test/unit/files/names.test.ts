import { describe, expect, it } from 'vitest';
import { cleanFileName } from '../../../src/files/names.ts';
import * as fc from '../../support/fast-check.ts';

describe('the name of a kept file', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['季度 报告.xlsx', '季度 报告.xlsx'],
    ['e\u0301t\u00e9.txt', '\u00e9t\u00e9.txt'],
    ['👩‍💻 notes.md', '👩‍💻 notes.md'],
    ['.gitignore', '.gitignore'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\ada\\a.txt', 'a.txt'],
    ['folder/', 'file'],
    ['..', 'file'],
    ['', 'file'],
    [' \t ', 'file'],
    ['a\r\nSet-Cookie: b=c.txt', 'a Set-Cookie_ b=c.txt'],
    ['invoice\u202efdp.exe', 'invoice fdp.exe'],
    ['half \ud83d.txt', 'half  .txt'],
    ['name. . ', 'name'],
    ['what?*|"<>.txt', 'what______.txt'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['com1.tar.gz', '_com1.tar.gz'],
    ['console.log', 'console.log'],
  ])('%j becomes %j', (name, cleaned) => {
    expect(cleanFileName(name)).toBe(cleaned);
  });

  it('is cut to 200 bytes, before its ending and between characters', () => {
    const long = cleanFileName(`${'报'.repeat(300)}.docx`);
    expect(long).toBe(`${'报'.repeat(65)}.docx`);
    expect(Buffer.byteLength(cleanFileName(`a.${'b'.repeat(500)}`))).toBe(200);
  });

  it('is fit for any system, whatever it was, and stays as it is when cleaned again', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.character, maxLength: 300 }), (name) => {
        const cleaned = cleanFileName(name);
        expect(cleaned).toMatch(/^[^/\\<>:"|?*\p{Control}]+$/u);
        expect(cleaned).not.toMatch(/[. ]$/);
        expect(Buffer.byteLength(cleaned)).toBeLessThanOrEqual(201);
        expect(cleanFileName(cleaned)).toBe(cleaned);
      }),
    );
  });
});
