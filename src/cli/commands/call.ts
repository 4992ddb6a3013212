import { relative } from 'node:path';
import { LOCAL_PRINCIPAL } from '../../model/call.ts';
import type { Config } from '../../config/schema.ts';
import type { ToolResult } from '../../model/content.ts';
import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { misplaced, readArguments, readFileOptions, withFolders } from '../arguments.ts';
import type { Output } from '../output.ts';
import { createProgressLine } from '../progress-line.ts';
import { isFile, type SavedFile, saveFiles, textOf } from '../saved-files.ts';
import { type CommandContext, type Session, withTools } from '../session.ts';
import { unknownTool } from '../tool-texts.ts';

interface CallOptions {
  readonly args?: string;
  readonly out?: string;
  readonly file?: readonly string[];
}

export async function run(
  context: CommandContext,
  { out, ...options }: CallOptions,
  name: string,
  ...excess: string[]
): Promise<number> {
  if (excess.length > 0) throw misplaced(excess);
  const { io, output } = context;
  const files = readFileOptions(options.file ?? []);
  const args = { ...(await readArguments(options.args, io.stdin)), ...files.args };
  const adjust = (config: Config): Config => withFolders(config, files.folders);
  const callWith = async (session: Session): Promise<number> => {
    const { app, registry, signal } = session;
    const tool = registry.get(name);
    // Checked here for the exit code. The call itself checks again, and knows the bridge's own tools too.
    const parsed = tool?.parseArguments(args);
    if (parsed?.ok === false) {
      throw new BridgeError('invalid_arguments', `The arguments do not fit ${name}.`, {
        problems: parsed.problems,
        hint: `See dify-mcp-bridge tools show ${name}. Nothing was sent to Dify.`,
      });
    }
    const progress = createProgressLine(io, !output.json);
    let result: ToolResult;
    let failure: ErrorCode = 'tool_failed';
    try {
      result = await app.callTool(name, args, {
        signal,
        observer: { ...progress.observer, failed: ({ code }) => (failure = code) },
      });
    } catch (error) {
      const isUnknown = error instanceof BridgeError && error.code === 'tool_not_found';
      throw isUnknown ? unknownTool(session, output, name) : error;
    } finally {
      progress.clear();
    }
    signal.throwIfAborted();
    const saved =
      out === undefined
        ? []
        : await saveFiles(result.content, {
            folder: out,
            fallback: name,
            read: (uri) => app.files.read(uri, LOCAL_PRINCIPAL),
          });
    return report(output, result, saved, failure);
  };
  return withTools(context, callWith, { adjust, localFiles: true });
}

function report(output: Output, result: ToolResult, saved: readonly SavedFile[], failure: ErrorCode): number {
  const text = textOf(result);
  if (result.isError) {
    const error = new BridgeError(failure, text);
    output.error(error, { content: result.content, saved });
    return error.rule.exit;
  }
  output.data({ ...result, saved: saved.length === 0 ? undefined : saved }, () => text);
  for (const { path, mimeType, bytes } of saved) {
    output.note(`Saved ${relative('', path)} (${mimeType}, ${bytes} bytes)`);
  }
  const files = result.content.filter(isFile).length;
  if (files > saved.length) output.note('Add --out DIR to save the files of the result.');
  return 0;
}
