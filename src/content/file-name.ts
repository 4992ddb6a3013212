import { cutText } from '../model/cut-text.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import { extensionOfType, typeOfName } from '../model/media-types.ts';
import type { FileReference } from '../model/message.ts';
import { nameInAddress } from '../model/name-in-address.ts';

const MAX_NAME_LENGTH = 200;
/** A name that Dify makes up for a file that has none, and the end of its link to an upload. */
const RANDOM_NAME = /^(?:[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?:\.\w*)?|(?:file|image)-preview)$/i;

/** Returns the name by which a person knows the file, on one line. The type of its bytes is known once it has arrived. */
export function fileName(
  file: FileReference,
  arrived: { readonly kind?: string; readonly mimeType?: string | undefined } = {},
): string {
  const extension = file.lacksExtension ? extensionOf(file, arrived.mimeType) : '';
  const name = cleanName(file.filename ?? '') || cleanName(nameInAddress(file.url ?? ''));
  return `${name}${extension}`;
}

/** Whether neither the tool nor an address gives the file a name that means something. */
export function isNameless({ filename, url = '' }: FileReference): boolean {
  const name = cleanName(filename ?? '') || cleanName(nameInAddress(url));
  return name === '' || RANDOM_NAME.test(name);
}

function extensionOf({ mimeType, url = '' }: FileReference, detected: string | undefined): string {
  const types = [detected, mimeType, typeOfName(nameInAddress(url))];
  return types.map((type) => extensionOfType(type ?? '')).find((known) => known !== undefined) ?? '';
}

function cleanName(name: string): string {
  return cutText(withoutSteering(name.replace(/[\p{Control}\p{Surrogate}]+/gu, ' ')).trim(), MAX_NAME_LENGTH);
}
