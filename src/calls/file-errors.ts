import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';

const NOTHING_SENT = 'The tool was not started.';

/** A file of the arguments has more bytes than the bridge takes; `size` where it is known. */
export function tooLarge(size: number, maxBytes: number): BridgeError {
  const message = `The file has ${size} bytes, and the bridge takes ${maxBytes} at most.`;
  const hint = 'Give a smaller file; the limit is the setting files.maxInputBytes.';
  return new BridgeError('file_too_large', message, { hint });
}

/** Dify hands no file to the tool, for a reason of its own. */
export function takesNoFile(parameter: string, reason: string): BridgeError {
  return new BridgeError('file_refused', `The argument ${parameter} cannot be used: ${reason}`, {
    hint: `${NOTHING_SENT} Leave the argument out, or use another tool.`,
  });
}

/** A stored file that does not exist any more, or belongs to another caller. */
export function noSuchResource(uri: string): BridgeError {
  const message = `There is no file ${cutText(uri, 200)} any more, or it never was yours.`;
  const hint = 'Kept files expire: call the tool again that gave it, or give the file another way.';
  return new BridgeError('file_refused', message, { hint });
}

/** A way of handing over files that this bridge does not offer. */
export function sourceNotOffered(source: string): BridgeError {
  return new BridgeError('file_refused', `The bridge takes no files by ${source} here.`, {
    hint: "Give the file another way: see the tool's input schema.",
  });
}

/** What went wrong with one file, with the argument that it belongs to. */
export function ofArgument(parameter: string, error: unknown): unknown {
  if (!(error instanceof BridgeError) || !FILE_CODES.has(error.code)) return error;
  const { message, hint, problems, cause } = error;
  // A stored file that is removed while it is read existed when the call began: the request itself was right.
  const code = error.code === 'file_not_found' ? 'file_refused' : error.code;
  return new BridgeError(code, `The file of the argument ${parameter} cannot be taken: ${message}`, {
    hint: hint === undefined ? NOTHING_SENT : `${NOTHING_SENT} ${hint}`,
    problems,
    cause,
  });
}

const FILE_CODES: ReadonlySet<string> = new Set(['file_refused', 'file_too_large', 'file_not_found']);
