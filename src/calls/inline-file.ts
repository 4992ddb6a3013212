import type { InputFile } from '../model/ports.ts';

/** Characters that are decoded at once; a multiple of 4. */
const CHUNK = 64 * 1024;

/** The file that stands in the arguments as plain Base64. It is decoded as it is read, and never lies there decoded. */
export function inlineFile(data: string): InputFile {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return {
    filename: '',
    size: (data.length / 4) * 3 - padding,
    async *read() {
      for (let at = 0; at < data.length; at += CHUNK) yield Buffer.from(data.slice(at, at + CHUNK), 'base64');
    },
    dispose: () => Promise.resolve(),
  };
}
