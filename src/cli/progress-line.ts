import type { CallObserver } from '../model/call.ts';
import { cutText } from '../model/cut-text.ts';
import type { CliIo } from './io.ts';

const MAX_WIDTH = 100;

/** Shows a call's progress on standard error if that is a terminal. */
export function createProgressLine(io: Pick<CliIo, 'stderr'>, shown: boolean) {
  if (!shown || io.stderr.isTTY !== true) return { observer: {}, clear: () => {} };
  const show = (text: string): void => {
    // A tool's text must not control the terminal.
    const plain = cutText(text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' '), MAX_WIDTH);
    io.stderr.write(`\r\u001b[2K${plain}`);
  };
  return {
    observer: {
      log: ({ label, status, error }) => show(`${label}: ${error ?? status}`),
      progress: show,
    } satisfies CallObserver,
    clear: (): void => void io.stderr.write('\r\u001b[2K'),
  };
}
