import { relative } from 'node:path';
import { LOCAL_PRINCIPAL } from '../../model/call.ts';
import type { Config } from '../../config/schema.ts';
import type { ToolResult } from '../../model/content.ts';
import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { readArguments } from '../arguments.ts';
import { readFileOptions, withFolders } from '../file-options.ts';
import { INTERRUPTED } from '../interrupt.ts';
import type { Output } from '../output.ts';
import { createProgressLine } from '../progress-line.ts';
import { isFile, type SavedFile, saveFiles } from '../saved-files.ts';
import { type CommandContext, type Session, warnOfProblems, withTools } from '../session.ts';

/** What `call` was given. */
export interface CallRequest {
  readonly name: string;
  readonly args?: string | undefined;
  readonly out?: string | undefined;
  /** `--file`, as often as it stands there. */
  readonly files?: readonly string[] | undefined;
}

/** Calls a tool once. Text goes to standard output; files into the folder of `--out`. */
export async function call(context: CommandContext, request: CallRequest): Promise<number> {
  const { io, output } = context;
  const named = readFileOptions(request.files ?? []);
  const args = { ...(await readArguments(request.args, io.stdin)), ...named.args };
  const adjust = (config: Config): Config => withFolders(config, named.folders);
  const run = async (session: Session): Promise<number> => {
    const { app, registry, signal } = session;
    const tool = registry.get(request.name);
    if (tool === undefined) warnOfProblems(session, output);
    // Checked here for the exit code; the call itself checks again, and also turns an unknown name down.
    const parsed = tool?.parseArguments(args);
    if (parsed?.ok === false) {
      throw new BridgeError('invalid_arguments', `The arguments do not fit ${request.name}.`, {
        problems: parsed.problems,
        hint: `See tools show ${request.name}. Nothing was sent to Dify.`,
      });
    }
    const progress = createProgressLine(io, !output.json);
    let result: ToolResult;
    let failure: ErrorCode = 'tool_failed';
    try {
      result = await app.callTool(request.name, args, {
        signal,
        observer: { ...progress.observer, failed: ({ code }) => (failure = code) },
      });
    } finally {
      progress.clear();
    }
    if (signal.aborted) return INTERRUPTED;
    const saved =
      request.out === undefined
        ? []
        : await saveFiles(result.content, {
            folder: request.out,
            fallback: request.name,
            read: (uri) => app.files.read(uri, LOCAL_PRINCIPAL),
          });
    return report(output, result, saved, failure);
  };
  return withTools(context, run, { adjust, localFiles: true });
}

function report(output: Output, result: ToolResult, saved: readonly SavedFile[], failure: ErrorCode): number {
  const text = textOf(result);
  if (result.isError) {
    const error = new BridgeError(failure, text);
    output.error(error, { content: result.content, saved });
    return error.rule.exit;
  }
  output.data({ ...result, ...(saved.length === 0 ? {} : { saved }) }, () => text);
  for (const { path, mimeType, bytes } of saved) {
    output.note(`Saved ${relative('', path)} (${mimeType}, ${bytes} bytes)`);
  }
  const files = result.content.filter(isFile).length;
  if (files > saved.length) output.note('Add --out DIR to save the files of the result.');
  return 0;
}

function textOf(result: ToolResult): string {
  return result.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}
