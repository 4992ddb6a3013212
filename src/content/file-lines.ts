import { durationText } from '../model/duration.ts';
import { formatSize } from '../model/format-size.ts';
import type { ResultLimits } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import type { FileReference } from '../model/message.ts';
import type { Delivery } from './delivery.ts';
import { fileName } from './file-name.ts';
import { declaredType } from './media-type.ts';
import type { AccessibleFile } from './result-store.ts';

const MAX_DATA_URL_LENGTH = 200;
/** Of the names of many files, at most so many characters are shown. */
const MAX_NAMES_LENGTH = 2000;
const FORMS = { image: 'is shown below', audio: 'is attached below', text: 'follows as text' } as const;

/** Returns one line with a file's name, type and size, and how to get it. The store takes files of up to `maxBytes`. */
export function describeFile(
  file: FileReference,
  delivery: Delivery,
  { limits, maxBytes }: { readonly limits: ResultLimits; readonly maxBytes: number },
): string {
  const name = fileName(file);
  const facts = (mimeType: string | undefined, size: number | undefined): string => {
    const known = [mimeType, size === undefined ? undefined : formatSize(size)];
    const words = known.filter((word) => word !== undefined).join(', ');
    return words === '' ? name : `${name} (${words})`;
  };
  const declared = declaredType({ declared: [file.mimeType], filename: name });
  switch (delivery.kind) {
    case 'image':
    case 'audio':
    case 'text': {
      const size = delivery.kind === 'text' ? delivery.size : delivery.bytes.length;
      const shown = `${facts(delivery.mimeType, size)} ${FORMS[delivery.kind]}.`;
      if (delivery.stored === undefined) return shown;
      const { file: stored, access } = delivery.stored;
      return `${shown} Kept for ${lifetime(stored)} as ${access.uri}`;
    }
    case 'empty':
      return `${facts(delivery.mimeType, 0)} is empty.`;
    case 'stored': {
      const { stored, left } = delivery;
      const about = facts(delivery.mimeType, stored.file.size);
      if (left === undefined) return `${about} ${howToGet(stored)}`;
      return `${about} is not shown: ${whyLeft(left, limits)} It ${howToGet(stored)}`;
    }
    case 'not-stored':
      return `${facts(delivery.mimeType, delivery.size)} is not here: it has no place in the result, and the bridge could not keep it. ${delivery.reason} Open it in Dify.`;
    case 'too-large': {
      const about = facts(delivery.mimeType ?? declared, delivery.size ?? file.size);
      return `${about} is not here: it is larger than the ${formatSize(maxBytes)} that the bridge takes of one file. Ask the tool for less, or open it in Dify.`;
    }
    case 'external':
      return `${facts(declared, undefined)} lies on another server and was not fetched: ${shownAddress(file.url ?? '')}`;
  }
  return `${facts(declared, file.size)} is not available. ${delivery.reason}`;
}

/** One line for all the files that a result has no place for, since `max` are there already. */
export function describePassedOver(names: readonly string[], max: number): string {
  const [are, they] = names.length === 1 ? ['file is', 'It is'] : ['files are', 'They are'];
  const called = cutText(names.join(', '), MAX_NAMES_LENGTH);
  return `${formatCount(names.length)} more ${are} not here: a result carries ${max} at most. ${they} called ${called}. Ask the tool for fewer files at a time, or open them in Dify.`;
}

/** How to get a stored file, as the end of a sentence about it. */
export function howToGet({ file, access }: AccessibleFile): string {
  const ways = [`read the resource ${access.uri}`];
  if (access.url !== undefined) ways.push(`download it at ${access.url}`);
  if (access.path !== undefined) ways.push(`open ${access.path} on this machine`);
  return `is kept for ${lifetime(file)}: ${inWords(ways)}`;
}

function whyLeft(
  { form, because }: NonNullable<Extract<Delivery, { kind: 'stored' }>['left']>,
  { maxImageBytes, maxInlineBytes, maxTextChars }: ResultLimits,
): string {
  if (form === 'text') {
    return because === 'alone'
      ? `a result takes ${formatCount(maxTextChars)} characters of text.`
      : `together with the rest of the result, it is more than the ${formatCount(maxTextChars)} characters that one takes.`;
  }
  return because === 'alone'
    ? `a result takes ${formatSize(Math.min(maxImageBytes, maxInlineBytes))} of one ${form === 'image' ? 'image' : 'sound'}.`
    : `together with the files before it, it is more than the ${formatSize(maxInlineBytes)} that a result takes.`;
}

function inWords(ways: readonly string[]): string {
  return ways.length < 2 ? `${ways[0]}` : `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
}

/** From the moment it was stored until it expires, in whole minutes. */
function lifetime({ createdAt, expiresAt }: AccessibleFile['file']): string {
  const minutes = Math.max(1, Math.round((expiresAt.getTime() - createdAt.getTime()) / 60_000));
  return durationText(minutes * 60_000);
}

/** An address fit for a line of text: without the signature of a Dify link, a data URL cut. */
function shownAddress(url: string): string {
  if (url.startsWith('data:')) return cutText(url, MAX_DATA_URL_LENGTH);
  const query = url.indexOf('?');
  const isSigned = query > 0 && url.slice(0, query).includes('/files/') && /[?&]sign=/.test(url.slice(query));
  return isSigned ? url.slice(0, query) : url;
}

/** A number with its thousands parted. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
