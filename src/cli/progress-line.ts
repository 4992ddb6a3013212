import type { CallObserver } from '../model/call.ts';
import type { CliIo } from './io.ts';
import { cutToWidth, DEFAULT_WIDTH, widthOf } from './layout.ts';

/** Shows a call's progress on standard error if that is a terminal. */
export function createProgressLine(io: Pick<CliIo, 'stderr'>, shown: boolean) {
  if (!shown || io.stderr.isTTY !== true) return { observer: {}, clear: () => {} };
  const show = (text: string): void => {
    // A tool's text must not control the terminal. A text that wrapped would stay there: only its last line is erased.
    const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
    io.stderr.write(`\r\u001b[2K${cutToWidth(plain, (widthOf(io.stderr) ?? DEFAULT_WIDTH) - 1)}`);
  };
  return {
    observer: {
      log: ({ label, status, error }) => show(`${label}: ${error ?? status}`),
      progress: show,
    } satisfies CallObserver,
    clear: (): void => void io.stderr.write('\r\u001b[2K'),
  };
}
