import { cutText } from '../../model/cut-text.ts';
import { BridgeError } from '../../model/errors.ts';
import { plainWords } from '../wire/plain-words.ts';

const MAX_MESSAGE = 4000;
/** Dify cannot return files of workflow tools in these (fixed in 1.13.0); only the name of a field tells. */
const FILE_OUTPUT_BUG = { versions: new Set(['1.12.0', '1.12.1']), field: 'file_marker' };

/**
 * The error of a frame that says that the tool failed: `tool_failed` with the sentence a person wrote, taken out of
 * the JSON that plugins wrap it in. `version` is Dify's, where known: two releases have a fault worth naming.
 */
export function faultFromErrorFrame(text: string, version?: string): BridgeError {
  const words = cutText(plainWords(text), MAX_MESSAGE);
  if (words === '') {
    return new BridgeError('tool_failed', 'The tool failed without saying why.', {
      hint: "Dify's plugin daemon may have gone down in the middle: the log of Dify's api service has the cause.",
    });
  }
  const message = `The tool failed: ${words}`;
  const isFileBug =
    version !== undefined && FILE_OUTPUT_BUG.versions.has(version) && text.includes(FILE_OUTPUT_BUG.field);
  if (!isFileBug) return new BridgeError('tool_failed', message);
  return new BridgeError('tool_failed', message, {
    hint: `Dify ${version} cannot return files of workflow tools: update it to 1.13 or later, or let the workflow output the url of the file as a string.`,
  });
}
