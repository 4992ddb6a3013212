import { cutText } from '../model/cut-text.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { FileReference } from '../model/message.ts';

const MAX_NAME_LENGTH = 200;

/** Returns the name by which a person knows the file, on one line. */
export function fileName(file: FileReference): string {
  return cleanName(file.filename ?? '') || cleanName(nameInAddress(file.url ?? '')) || 'unnamed';
}

/** Returns the last segment of an address's path, decoded; empty for a data URL. */
export function nameInAddress(url: string): string {
  if (url.startsWith('data:')) return '';
  const path = url.split(/[?#]/, 1)[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function cleanName(name: string): string {
  return cutText(withoutSteering(name.replace(/[\p{Control}\p{Surrogate}]+/gu, ' ')).trim(), MAX_NAME_LENGTH);
}
