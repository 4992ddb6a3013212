import { nearest } from '../model/closest.ts';

/** The message about a key that does not exist, with the one it most likely stands for. */
export function noSuchSetting(key: string, known: readonly string[]): string {
  const close = nearest(key, known);
  return `no such setting; ${close === undefined ? `known here: ${known.join(', ')}` : `did you mean ${close}?`}`;
}
