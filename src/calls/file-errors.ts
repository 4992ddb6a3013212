import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';
import { formatSize } from '../model/format-size.ts';

const NOTHING_SENT = 'The tool was not started.';

/** Returns the error for a file of the arguments that is too large. */
export function tooLarge(size: number, maxBytes: number): BridgeError {
  const message = `The file has ${formatSize(size)}; the bridge accepts at most ${formatSize(maxBytes)}.`;
  const hint = 'Give a smaller file. The operator of the bridge can raise files.maxInputBytes.';
  return new BridgeError('file_too_large', message, { hint });
}

/** Returns the error for a parameter to which Dify cannot pass a file. */
export function takesNoFile(parameter: string, reason: string): BridgeError {
  return new BridgeError('file_refused', `The argument ${parameter} cannot be used: ${reason}`, {
    hint: `${NOTHING_SENT} Omit the argument, or use another tool.`,
  });
}

/** Returns the error for a stored file that does not exist or belongs to another caller. */
export function noSuchResource(uri: string): BridgeError {
  const message = `Unknown file ${cutText(uri, 200)}: it never existed, expired, was evicted, or belongs to another client.`;
  const hint = 'Call the tool that made the file again, or pass the file another way.';
  return new BridgeError('file_refused', message, { hint });
}

/** Returns the error for a way of passing files that this bridge does not offer. */
export function sourceNotOffered(source: string): BridgeError {
  return new BridgeError('file_refused', `The bridge does not accept files by ${source} here.`, {
    hint: 'Pass it as {"data":"SGVsbG8=","filename":"hello.txt"}, or another way of the tool\'s input schema.',
  });
}

/** Returns the error of one file with the name of its argument. Returns errors other than those of files unchanged. */
export function ofArgument(parameter: string, error: unknown): unknown {
  if (!(error instanceof BridgeError) || !FILE_CODES.has(error.code)) return error;
  const { message, hint, problems, cause } = error;
  // A stored file that is removed during the read existed when the call began, so the request was valid.
  const code = error.code === 'file_not_found' ? 'file_refused' : error.code;
  return new BridgeError(code, `The file for the argument ${parameter} cannot be used: ${message}`, {
    hint: hint === undefined ? NOTHING_SENT : `${NOTHING_SENT} ${hint}`,
    problems,
    cause,
  });
}

const FILE_CODES: ReadonlySet<string> = new Set(['file_refused', 'file_too_large', 'file_not_found']);
